package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"alexnet/engine"
	"alexnet/engine/train"
	"alexnet/engine/train/report"
	"alexnet/internal/file"
	"alexnet/internal/printable"
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
	if len(s.Rates) == 0 {
		return fmt.Errorf("the first step's loss is no number: look at --init and --input-scale")
	}
	if err := file.Write(path, func(w io.Writer) error { return report.Rates(w, s) }); err != nil {
		return err
	}
	if s.Cut {
		line.Print("note: --max-time ended the search after %s, at a rate of %.2g; higher ones weren't tried", printable.Count(len(s.Rates), "step"), s.Rates[len(s.Rates)-1])
	}
	if s.Suggested == 0 {
		help := "it may need a start that leaves chance sooner, such as --recipe small"
		switch {
		case s.Cut:
			help = "give it more time"
		case j.Config().Init == string(engine.InitHe):
			help = "look whether the pictures and their labels agree: prep-imagenet inspect draws a sheet of them"
		}
		printable.Fprintf(stdout, "the loss fell at no rate in %s, as %s shows: %s\n", printable.Count(len(s.Rates), "step"), path, help)
		return nil
	}
	printable.Fprintf(stdout, "paste: --lr %g\nthe loss over the rates is in %s\n", s.Suggested, path)
	return nil
}
