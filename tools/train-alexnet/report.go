package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"alexnet/engine"
	"alexnet/engine/devices"
	"alexnet/engine/infer"
	"alexnet/engine/train"
	"alexnet/engine/train/report"
	"alexnet/internal/file"
	"alexnet/pipeline"
	"alexnet/tools/internal/command"
)

// Names of pictures and pages in a run folder.
const (
	curveName   = "curve.png"
	kernelsName = "kernels.png"
	guessesName = "guesses.png"
	reportName  = "report.html"
)

// reportOptions say what a report shows.
type reportOptions struct {
	checkpoint string // "" is the best one, or the latest
	devices    string
	options    devices.Options
	quick      bool // no passes over the data
}

// reportBatch is how many pictures the net sees at once for a report.
const reportBatch = 32

// makeReport draws curve.png, kernels.png, guesses.png and report.html of the run in dir, on
// pictures of its validation shards, or of its training shards where it has no
// others.
func makeReport(ctx context.Context, dir string, o reportOptions, line *command.Line) error {
	defer line.Clear()
	record, err := train.ReadRecord(dir)
	if err != nil {
		return err
	}
	if o.checkpoint == "" {
		if o.checkpoint, err = bestOrLatest(dir); err != nil {
			return err
		}
	}
	saved, err := record.Config() // where the run looked for its shards
	if err != nil {
		return err
	}
	base, err := saved.Access.Open(ctx, record.Train.Dir, noted(line))
	if err != nil {
		return err
	}
	defer base.Close()
	shown := base
	if record.Val != nil {
		if shown, err = saved.Access.Open(ctx, record.Val.Dir, noted(line)); err != nil {
			return err
		}
		defer shown.Close()
	}
	m, err := reportModel(o, shown)
	if err != nil {
		return err
	}
	defer m.Close()
	picture(line, curveName, func() error { return drawCurve(dir) })
	picture(line, kernelsName, func() error { return drawKernels(dir, m) })
	picture(line, guessesName, func() error { return drawGuesses(dir, shown, m) })
	s, err := subject(dir, record, m.Net.Classes)
	if err != nil {
		return err
	}
	s.Title = m.Net.Name + ": " + filepath.Base(dir)
	s.Model, s.Pictures, s.Train, s.Quick = m, shown, base, o.quick
	s.Progress = func(what string, done, total int) { line.Update("report: %d of %d pictures %s", done, total, what) }
	return file.Write(filepath.Join(dir, reportName), func(w io.Writer) error { return report.Write(ctx, w, s) })
}

// reportModel opens the checkpoint for inference on pictures of d.
func reportModel(o reportOptions, d *pipeline.Dataset) (*engine.Model, error) {
	file, err := engine.OpenCheckpoint(o.checkpoint)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if err := infer.SameClasses(o.checkpoint, file.Classes, d); err != nil {
		return nil, flagged(err)
	}
	m, _, err := infer.OpenModel(o.checkpoint, o.devices, noting(o.options), reportBatch, infer.Penultimate(file.Net))
	return m, flagged(err)
}

// bestOrLatest is the checkpoint that speaks for a run.
func bestOrLatest(dir string) (string, error) {
	all := engine.Checkpoints{Dir: filepath.Join(dir, train.CheckpointsName)}
	if _, err := os.Stat(all.Best()); err == nil {
		return all.Best(), nil
	}
	path, err := all.Latest()
	if err == nil && path == "" {
		err = fmt.Errorf("%s has no checkpoint yet", dir)
	}
	return path, err
}

// subject is what a report says of the run in dir without its net.
func subject(dir string, record *train.Record, classes int) (*report.Subject, error) {
	metrics, err := report.ReadMetrics(filepath.Join(dir, train.MetricsName))
	if err != nil {
		return nil, err
	}
	s := &report.Subject{Figures: figures(record, metrics, classes), Metrics: metrics, Split: "Training"}
	if record.Val != nil {
		s.Split = "Validation"
	}
	s.Settings, err = settingRows(record.Settings)
	return s, err
}
