package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"alexnet/engine/train"
	"alexnet/engine/train/report"
	"alexnet/internal/printable"
	"alexnet/internal/setting"
	"alexnet/tools/internal/command"
)

// reportCommand draws the pictures of a run again.
func reportCommand(stderr io.Writer) *cli.Command {
	return &cli.Command{
		Name:     "report",
		Category: inRuns,
		Usage:    "draw the curve, the kernels and report.html of a run again",
		UsageText: `train-alexnet report --run runs/first
   train-alexnet report --run runs/first --checkpoint runs/first/checkpoints/step-000000670.safetensors`,
		Description: "Training does this at its end, with --quick if --max-time ended it. The report shows the best checkpoint, or the\n" +
			"latest if nothing was validated, on pictures of the run's shards: the net's guesses, the classes that it\n" +
			"confuses, and the training pictures that look most alike to it.",
		Flags: append([]cli.Flag{
			&cli.PathFlag{Name: "run", Usage: "run folder `DIR`"},
			&cli.StringSliceFlag{Name: "checkpoint", Usage: "checkpoint `FILE` to show instead, or a run folder for its best one"},
			&cli.BoolFlag{Name: "quick", Usage: "leave out the parts that need passes over the data: confused classes and nearest neighbours"},
		}, deviceFlags("")...),
		Action: func(c *cli.Context) error {
			dir := c.Path("run")
			if dir == "" {
				return command.Required(c, "run")
			}
			if _, err := train.ReadRecord(dir); errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("%s holds no run (no %s)", dir, train.RecordName)
			}
			o := report.Options{Quick: c.Bool("quick")}
			if c.IsSet("checkpoint") {
				var err error
				if o.Checkpoint, err = oneCheckpoint(c); err != nil {
					return err
				}
			}
			o.Devices, o.Options = chosenDevices(c)
			line := command.NewLine(stderr)
			if err := makeReport(c.Context, dir, o, line); err != nil {
				return err
			}
			line.Print("wrote %s", filepath.Join(dir, report.PageName))
			return nil
		},
	}
}

// makeReport makes the report of the run in dir, with notes on line.
func makeReport(ctx context.Context, dir string, o report.Options, line *command.Line) error {
	defer line.Clear()
	o.Options, o.Note, o.Warn, o.Words = noting(o.Options), noted(line), undrawn(line), setting.Flags{}
	o.Tell = func(f setting.Text) { line.Print("%s", printable.Verbatim(printable.Text(f.In(setting.Flags{})))) }
	o.Progress = func(what string, done, total int) {
		line.Update("report: %d of %s %s", done, printable.Count(total, "picture"), what)
	}
	return flagged(report.Make(ctx, dir, o))
}

// undrawn prints a warning about pictures that can't be drawn.
func undrawn(line *command.Line) func(name string, err error) {
	return func(name string, err error) { line.Print("warning: %s is not drawn: %v", name, err) }
}
