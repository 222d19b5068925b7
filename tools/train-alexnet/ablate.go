package main

import (
	"context"
	"io"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"alexnet/engine/train"
	"alexnet/engine/train/ablate"
	"alexnet/internal/setting"
	"alexnet/tools/internal/command"
)

// ablateCommand trains the paper's ablations.
func ablateCommand(stdout, stderr io.Writer) *cli.Command {
	s := new(settings)
	const category = "Ablation"
	flags := []cli.Flag{
		&cli.PathFlag{Name: "out", Category: category, Usage: "`DIR` that receives a run folder for every part and seed, " + ablate.TableName + " and " + ablate.PictureName},
		&cli.StringFlag{Name: "parts", Category: category, Value: "lrn,overlap,crosstalk,pca", Usage: "`PARTS` to do without, one at a time: " + strings.Join(ablate.Names(), ", ")},
		&cli.IntFlag{Name: "seeds", Category: category, Value: 3, Usage: "train each with `N` seeds, from --seed on"},
		&cli.BoolFlag{Name: "json", Category: category, Usage: "print one JSON object"},
	}
	return &cli.Command{
		Name:      "ablate",
		Category:  inRuns,
		Usage:     "train with and without parts of the paper, over several seeds, and compare",
		UsageText: "train-alexnet ablate --out runs/ablation --train shards/train --val shards/val --pca pca.json --net alexnet-mini --epochs 20",
		Description: "Trains the net as it is and without one part at a time, with the same recipe and seeds, and prints the errors\n" +
			"and the mean change of the pairs of runs with one seed, beside what the paper reports. The same command continues\n" +
			"where it was stopped.\n" +
			"Several processes may share --out, each with seeds of its own; the whole command then makes the table.",
		Flags: append(flags, s.flagsOfRuns()...),
		Action: func(c *cli.Context) error {
			if err := s.read(c); err != nil {
				return err
			}
			line := command.NewLine(stderr)
			study := ablate.Study{
				Config: s.Config, Out: c.String("out"), Parts: train.SplitList(c.String("parts")), Seeds: c.Int("seeds"),
				Runs: s.runs(c, line, "ablation"),
			}
			result, err := study.Run(c.Context)
			if err != nil {
				return setting.In(err, ofStudy(setting.Origins{IsSet: c.IsSet}))
			}
			return command.Print(c, stdout, result, result.Table)
		},
	}
}

// flagsOfRuns returns the flags of training, for a command that trains its own runs.
func (s *settings) flagsOfRuns() []cli.Flag {
	return slices.DeleteFunc(s.flags(), func(f cli.Flag) bool {
		return slices.Contains([]string{"run", "resume", "autoresume", "plan", "dry-run", "find-lr", "dashboard"}, f.Names()[0])
	})
}

// runs trains runs like the command without a subcommand, but doesn't print on stdout.
func (s *settings) runs(c *cli.Context, line *command.Line, what string) ablate.Runs {
	own := []string{"seed", "without", "lr"} // differ between runs
	given := func(name string) bool { return c.IsSet(name) || slices.Contains(own, name) }
	return ablate.Runs{
		Next: func(n, of int, run string) { line.Print("%s %d of %d: %s", what, n, of, run) },
		Train: func(ctx context.Context, one train.Config) error {
			t := newTraining(one, given, line)
			t.words = ofStudy(t.words)
			r, err := train.Run(ctx, t.c, &observer{line: line, words: t.words})
			if err == nil {
				err = t.finish(ctx, r, io.Discard)
			}
			return setting.In(err, t.words)
		},
	}
}

// ofStudy returns the words of a command whose runs' folders are in --out.
func ofStudy(w setting.Words) setting.Words {
	return setting.Instead{Words: w, Names: map[string]string{"run": "--out"}}
}
