package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"alexnet/engine/train"
	"alexnet/engine/train/report"
	"alexnet/internal/file"
	"alexnet/internal/setting"
	"alexnet/tools/internal/command"
)

// ablationRows says what the paper's runs lost without a part, from the paper and from
// the ledgers in the published source, layer-params-N.cfg: points of top-1 and top-5
// error. Runs 147, 148 and 150 stand against run 145 of ILSVRC-2012, 40.66 and 18.21 %
// on its validation set (the paper's 40.7 and 18.2); 145-half against run 145 of
// ILSVRC-2010, 37.47 and 17.00 % on its test set.
var ablationRows = []struct{ part, paper string }{
	{"lrn", "+1.37 / +1.15 (run 148, 2012 validation)"},
	{"overlap", "+0.39 / +0.30 (run 147, 2012 validation)"},
	{"crosstalk", "+1.16 / +1.12 (run 150, 2012 validation, unpublished)"},
	{"towers", "+1.70 / +1.23 (145-half, 2010 test)"},
	{train.WithoutPCA, "more than +1 top-1"},
	{"dropout", "overfits, no figure"},
	{"relu", "six times slower to 25 % training error (CIFAR-10)"},
}

// Names in the folder of an ablation.
const (
	ablationTable   = "ablation.md"
	ablationJSON    = "ablation.json"
	ablationPicture = "ablation.png"
	wholeName       = "whole" // the run with every part
)

// ablateCommand trains the paper's ablations.
func ablateCommand(stdout, stderr io.Writer) *cli.Command {
	s := new(settings)
	const category = "Ablation"
	flags := []cli.Flag{
		&cli.PathFlag{Name: "out", Category: category, Usage: "`DIR` that receives a run folder for every part and seed, " + ablationTable + " and " + ablationPicture},
		&cli.StringFlag{Name: "parts", Category: category, Value: "lrn,overlap,crosstalk,pca", Usage: "`PARTS` to do without, one at a time: " + strings.Join(train.AblationNames(), ", ")},
		&cli.IntFlag{Name: "seeds", Category: category, Value: 3, Usage: "train each with `N` seeds, from --seed on"},
		&cli.BoolFlag{Name: "json", Category: category, Usage: "print one JSON object"},
	}
	for _, f := range s.flags() {
		if !slices.Contains([]string{"run", "resume", "autoresume", "plan", "dry-run", "dashboard"}, f.Names()[0]) {
			flags = append(flags, f)
		}
	}
	return &cli.Command{
		Name:      "ablate",
		Category:  inRuns,
		Usage:     "train with and without parts of the paper, over several seeds, and compare",
		UsageText: "train-alexnet ablate --out runs/ablation --train shards/train --val shards/val --pca pca.json --net alexnet-mini --epochs 20",
		Description: "Trains the net as it is and without one part at a time, with the same recipe and seeds, and prints the mean of\n" +
			"the lowest validation errors beside what the paper reports. The same command goes on where it was stopped.\n" +
			"Several processes may share --out, each with seeds or parts of its own; the whole command then makes the table.",
		Flags: flags,
		Action: func(c *cli.Context) error {
			if err := s.read(c); err != nil {
				return err
			}
			return ablate(c, s, stdout, stderr)
		},
	}
}

func ablate(c *cli.Context, s *settings, stdout, stderr io.Writer) error {
	out, seeds, parts := c.String("out"), c.Int("seeds"), train.List(c.String("parts"))
	switch {
	case out == "" || s.Val == "":
		return command.Usagef("--out and --val are required (see train-alexnet ablate --help)")
	case seeds < 1 || len(parts) == 0:
		return command.Usagef("--seeds %d, --parts %q: want at least one of each", seeds, c.String("parts"))
	}
	for _, part := range parts {
		if !slices.Contains(train.AblationNames(), part) {
			return command.Usagef("--parts %s: want %s", part, strings.Join(train.AblationNames(), ", "))
		}
		if part == train.WithoutPCA && (s.PCA == "" || s.Noise == train.NoiseOff) {
			return command.Usagef("--parts %s: without --pca FILE there is no colour noise to leave out", part)
		}
	}
	line := command.NewLine(stderr)
	result := &report.Ablation{Seeds: seeds}
	for n, part := range append([]string{""}, parts...) {
		row := report.AblationRow{Part: part, Paper: paperSays(part)}
		for k := range seeds {
			one := s.Config
			one.Seed += uint64(k)
			one.Without = strings.Join(append(train.List(s.Without), train.List(part)...), ",")
			one.Run = filepath.Join(out, fmt.Sprintf("%s-seed%d", cmp.Or(part, wholeName), one.Seed))
			line.Print("ablation %d of %d: %s", n*seeds+k+1, (len(parts)+1)*seeds, one.Run)
			r, err := ablateOne(c, one, line)
			if err != nil {
				return fmt.Errorf("%s: %w", one.Run, err)
			}
			row.Top1 = append(row.Top1, r.Top1Error)
			row.Top5 = append(row.Top5, r.Top5Error)
		}
		result.Rows = append(result.Rows, row)
		result.Compare()
		// Several processes may train different seeds or parts into one folder.
		if err := train.LockedTogether(c.Context, out, func() error { return writeAblation(out, result) }); err != nil {
			return err
		}
	}
	if c.Bool("json") {
		return json.NewEncoder(stdout).Encode(result)
	}
	return result.Table(stdout)
}

func paperSays(part string) string {
	for _, row := range ablationRows {
		if row.part == part {
			return row.paper
		}
	}
	return ""
}

// ablateOne trains a run, goes on with it, or leaves it if it is done.
func ablateOne(c *cli.Context, one train.Config, line *command.Line) (*runResult, error) {
	record, err := train.ReadRecord(one.Run)
	if err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	if record == nil || record.Finished == "" {
		given := func(name string) bool { return c.IsSet(name) || name == "seed" || name == "without" }
		if one.Resume = record != nil; one.Resume {
			if err := inherit(&one, record, given); err != nil {
				return nil, err
			}
		}
		t := newTraining(one, given, line)
		r, err := train.Run(c.Context, t.c, &observer{line: line, words: t.words})
		if err == nil {
			err = t.finish(c.Context, r, io.Discard)
		}
		if err != nil {
			return nil, setting.In(err, t.words)
		}
	}
	r, err := readResult(one.Run)
	if err == nil && !r.Validated {
		err = fmt.Errorf("was never validated: give it at least one whole epoch")
	}
	return r, err
}

// writeAblation writes the table, its figures and its picture.
func writeAblation(out string, a *report.Ablation) error {
	text, err := json.MarshalIndent(a, "", "  ")
	if err != nil {
		return err
	}
	for _, f := range []struct {
		name  string
		write func(io.Writer) error
	}{
		{ablationTable, a.Table},
		{ablationJSON, func(w io.Writer) error { _, err := w.Write(append(text, '\n')); return err }},
		{ablationPicture, a.Picture},
	} {
		if err := file.Write(filepath.Join(out, f.name), f.write); err != nil {
			return err
		}
	}
	return nil
}
