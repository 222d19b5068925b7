package main

import (
	"cmp"
	"context"
	"io"
	"os"
	"path/filepath"

	"alexnet/engine/train"
	"alexnet/engine/train/report"
	"alexnet/internal/file"
	"alexnet/internal/printable"
	"alexnet/internal/setting"
	"alexnet/tools/internal/command"
)

// findRate searches a learning rate for a job, draws the search into the run folder, or
// where there is none here, and prints the flag to paste.
func findRate(ctx context.Context, j *train.Job, line *command.Line, stdout io.Writer) error {
	dir := j.Config().Run
	if err := os.MkdirAll(cmp.Or(dir, "."), 0o777); err != nil {
		return err
	}
	path := filepath.Join(dir, report.RatesName)
	if err := command.MayReplace("--find-lr: the picture", path, command.PNG); err != nil {
		return err
	}
	s, err := j.FindRate(ctx, func(done, steps int) { line.Update("trying learning rates: step %d of %d", done, steps) })
	line.Clear()
	if err != nil {
		return err
	}
	if err := file.Write(path, func(w io.Writer) error { return report.Rates(w, s) }); err != nil {
		return err
	}
	if s.Suggested == 0 {
		printable.Fprintf(stdout, "the loss fell at no rate in %s, as %s shows: %s\n", printable.Count(len(s.Rates), "step"), path, s.Advice.In(setting.Flags{}))
		return nil
	}
	printable.Fprintf(stdout, "paste: --lr %g\nthe loss over the rates is in %s\n", s.Suggested, path)
	return nil
}
