package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"alexnet/engine"
	"alexnet/engine/collective"
	"alexnet/engine/devices"
	"alexnet/engine/train"
	"alexnet/engine/train/report"
	"alexnet/internal/printable"
	"alexnet/internal/setting"
	"alexnet/tools/internal/command"
	"alexnet/tools/internal/ranks"
)

// trainCommand is the command without a subcommand.
func trainCommand(c *cli.Context, s *settings, stdout, stderr io.Writer) error {
	if c.NumFlags() == 0 && c.NArg() == 0 {
		_, err := io.WriteString(stdout, short)
		return err
	}
	if c.NArg() > 0 {
		if done, err := s.fromPictures(c, stdout, stderr); err != nil || done {
			return err
		}
	}
	if err := s.read(c); err != nil {
		return err
	}
	o, err := s.rankOptions(c)
	if err != nil {
		return err
	}
	if s.Group, err = ranks.Join(o); err != nil {
		return err
	}
	stdout, stderr = ranks.Streams(s.Group, stdout, stderr)
	t := newTraining(s.Config, c.IsSet, command.NewLine(stderr))
	err = setting.In(t.run(c.Context, s, stdout), t.words)
	if err == nil {
		err = s.leftOut
	}
	return ranks.Close(s.Group, err)
}

// rankOptions returns the options for joining the ranks of a job. Ranks with the same
// flags that resume the same run have the same settings.
func (s *settings) rankOptions(c *cli.Context) (ranks.Options, error) {
	wire, err := train.ParseWire(s.Wire)
	k := ranks.Kinds{Data: []string{"train", "val", "pca"}, Path: []string{"run"}, Own: []string{"from"}} // the ranks compare --from themselves
	if train.IsNetFile(s.Net) {
		k.Data = append(k.Data, "net")
	}
	return ranks.Options{Timeout: s.RankTimeout, Wire: wire, Terms: ranks.Terms(c, k)}, err
}

// training is a run with its output for the user.
type training struct {
	c     train.Config
	line  *command.Line
	words setting.Words
}

// newTraining returns a training with the configuration c. given reports which flags were
// given.
func newTraining(c train.Config, given func(flag string) bool, line *command.Line) *training {
	c.Open = openDevices
	if list, why := devices.Resolve(c.Devices); why != "" {
		c.Devices = list
		if (c.Group == nil || c.Group.Rank() == 0) && command.Once("no-gpu") {
			line.Print("%s", why)
		}
	}
	return &training{c: c, line: line, words: origins(c, given)}
}

// run executes the command line.
func (t *training) run(ctx context.Context, s *settings, stdout io.Writer) error {
	if about := s.chosen.In(t.words); about != "" && s.Group.Rank() == 0 {
		t.line.Print("%s", about)
	}
	watch := &observer{line: t.line, words: t.words}
	j, err := train.Prepare(ctx, t.c, watch)
	if err != nil {
		return err
	}
	defer j.Close()
	switch {
	case s.dryRun:
		return collective.Agree(s.Group, j.Print(stdout))
	case s.plan:
		return collective.Agree(s.Group, j.PrintPlan(stdout))
	case s.findLR:
		return collective.Agree(s.Group, findRate(ctx, j, t.line, stdout))
	}
	first := s.Group.Rank() == 0
	if r := j.Finished(); r != nil {
		if first {
			err = t.finish(ctx, r, stdout)
		}
		return collective.Agree(s.Group, err)
	}
	if first {
		if err := watch.show(s.dashboard, t.c.Run); err != nil {
			return err
		}
		defer watch.live.Close()
		defer command.WhenStopping(watch.finishing)()
	}
	r, err := j.Train(ctx)
	if err != nil || !first {
		return err
	}
	return t.finish(ctx, r, stdout)
}

// finish makes the report of a run that has ended, and prints its results.
func (t *training) finish(ctx context.Context, r *train.Result, stdout io.Writer) error {
	dir, stdout := r.Config.Run, command.Prose(stdout)
	_, err := os.Stat(filepath.Join(dir, report.PageName))
	if !r.Before || errors.Is(err, fs.ErrNotExist) {
		// With a limit on the time, the report must not exceed it by further passes over the
		// data.
		o := report.Options{Devices: r.Devices, Options: r.Options, Quick: r.Stop == engine.StopTime}
		if err := t.report(ctx, dir, o); err != nil {
			return err
		}
	}
	kept := ""
	if r.BestCheckpoint != "" {
		kept = fmt.Sprintf("; lowest top-1 error %.2f %% in %s", 100*r.Best.Best, printable.Name(r.BestCheckpoint))
	} else if last, err := engine.FindCheckpoint(dir); err == nil {
		why := "nothing was validated"
		if r.Best.Epochs > 0 {
			why = fmt.Sprintf("the one of the lowest top-1 error, %.2f %%, was removed", 100*r.Best.Best)
		}
		kept = fmt.Sprintf("; %s, so there is no best checkpoint, and the last is %s", why, printable.Name(last))
	}
	printable.Fprintf(stdout, "%s: %s after %s%s\n", dir, r.Stop, printable.Count(int(r.Steps), "step"), printable.Verbatim(kept))
	if r.Stop == engine.StopTime {
		printable.Fprintf(stdout, "go on for as long again with: train-alexnet --run %s --resume; --max-time 0 takes the limit away\n", printable.ShellWord(dir))
	}
	page := filepath.Join(dir, report.PageName)
	if _, err := os.Stat(page); err == nil {
		printable.Fprintf(stdout, "look at %s; try: train-alexnet predict --checkpoint %s PICTURES\n", printable.ShellWord(page), printable.ShellWord(dir))
	}
	if len(r.Skipped) > 0 {
		return command.WithCode(command.Skipped, fmt.Errorf("%s of %s could not be read, and left out (prep-imagenet verify lists them); sample %d: %w",
			printable.Count(len(r.Skipped), "picture"), r.Config.Train, r.Skipped[0].Sample, r.Skipped[0].Err))
	}
	return nil
}

// report makes the report of a run that has ended. If it fails, a warning is printed,
// and the run still counts as a success.
func (t *training) report(ctx context.Context, dir string, o report.Options) error {
	err := makeReport(ctx, dir, o, t.line)
	if errors.Is(err, context.Canceled) {
		return fmt.Errorf("training is done and saved, but not its report, which train-alexnet report --run %s makes: %w", printable.ShellWord(dir), err)
	}
	if err != nil {
		t.line.Print("warning: no report: %v; train-alexnet report --run %s makes it", setting.In(err, setting.Flags{}), printable.ShellWord(dir))
	}
	return nil
}
