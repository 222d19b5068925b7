package ablate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"alexnet/engine"
	"alexnet/engine/train"
	"alexnet/engine/train/report"
	"alexnet/internal/file"
)

// Runs says how to train the runs of a comparison.
type Runs struct {
	// Train trains a run, or resumes it; nil means train.Run.
	Train func(context.Context, train.Config) error
	// Next is called before each run is trained or skipped. Runs count from 1. It may
	// be nil.
	Next func(number, of int, run string)
}

// check refuses, before any training, results in dir that can't be written, and runs that
// can't be trained, or were begun with other settings and can't be compared.
func (r Runs) check(ctx context.Context, dir string, results []string, runs []train.Config) error {
	for _, c := range runs {
		if err := checkRun(ctx, c); err != nil {
			return fmt.Errorf("%s: %w", c.Run, err)
		}
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	for _, name := range results {
		if err := file.Writable(filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	return nil
}

func checkRun(ctx context.Context, c train.Config) error {
	switch record, err := train.ReadRecord(c.Run); {
	case err == nil:
		if err := c.Matches(record); err != nil {
			return err
		}
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	c.AutoResume, c.Dry = true, true
	j, err := train.Prepare(ctx, c, nil)
	if err == nil {
		j.Close()
	}
	return err
}

// train trains a run unless it is finished, and returns its metrics.
func (r Runs) train(ctx context.Context, c train.Config, number, of int) ([]engine.Metrics, error) {
	if r.Next != nil {
		r.Next(number, of, c.Run)
	}
	c.AutoResume = true
	do := r.Train
	if do == nil {
		do = func(ctx context.Context, c train.Config) error { _, err := train.Run(ctx, c, nil); return err }
	}
	if err := do(ctx, c); err != nil {
		return nil, err
	}
	return report.ReadMetrics(filepath.Join(c.Run, train.MetricsName))
}

// writeAll writes files of a comparison.
func writeAll(dir string, files map[string]func(io.Writer) error) error {
	for name, write := range files {
		if err := file.Write(filepath.Join(dir, name), write); err != nil {
			return err
		}
	}
	return nil
}

// indented writes a value in JSON.
func indented(v any) func(io.Writer) error {
	return func(w io.Writer) error {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(v)
	}
}
