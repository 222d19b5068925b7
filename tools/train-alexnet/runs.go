package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"alexnet/engine/train"
	"alexnet/engine/train/report"
	"alexnet/internal/printable"
	"alexnet/tools/internal/command"
)

// runsCommand compares runs.
func runsCommand(stdout io.Writer) *cli.Command {
	return &cli.Command{
		Name:      "runs",
		Category:  inRuns,
		Usage:     "compare runs in a table",
		ArgsUsage: "DIR…",
		UsageText: "train-alexnet runs runs/first runs/second\n   train-alexnet runs runs",
		Description: "Each DIR is a run folder, or a folder of run folders. The table has the lowest validation errors, the last\n" +
			"training loss, the median speed, and the settings in which the runs differ, the best run first.",
		Flags: []cli.Flag{&cli.BoolFlag{Name: "json", Usage: "print one JSON object"}},
		Action: func(c *cli.Context) error {
			if c.NArg() == 0 {
				return command.Usagef("give at least one run folder (see train-alexnet runs --help)")
			}
			runs, err := readRuns(c.Args().Slice())
			if err != nil {
				return err
			}
			if c.Bool("json") {
				return json.NewEncoder(stdout).Encode(map[string]any{"runs": runs})
			}
			return printRuns(stdout, runs)
		},
	}
}

// runResult is what is worth comparing of a run.
type runResult struct {
	Dir       string            `json:"dir"`
	Net       string            `json:"net"`
	Epoch     int               `json:"epoch"` // passes begun
	Step      uint64            `json:"step"`
	Loss      float64           `json:"train_loss"` // of the last steps
	Validated bool              `json:"validated"`
	Top1Error float64           `json:"top1_error"` // lowest of all validations
	Top5Error float64           `json:"top5_error"` // at the same time
	Speed     float64           `json:"images_per_s"`
	Finished  string            `json:"finished"`
	Differs   map[string]string `json:"differs"` // settings that the compared runs don't share
	settings  map[string]string
}

// readRuns reads the runs at the paths or in folders below, the best first.
func readRuns(paths []string) ([]*runResult, error) {
	var runs []*runResult
	for _, path := range paths {
		dirs := []string{path}
		if _, err := os.Stat(filepath.Join(path, train.RecordName)); errors.Is(err, fs.ErrNotExist) {
			found, err := filepath.Glob(filepath.Join(path, "*", train.RecordName))
			if err != nil || len(found) == 0 {
				return nil, fmt.Errorf("%s holds no run (no %s)", path, train.RecordName)
			}
			dirs = nil
			for _, f := range found {
				dirs = append(dirs, filepath.Dir(f))
			}
		}
		for _, dir := range dirs {
			r, err := readResult(dir)
			if err != nil {
				return nil, err
			}
			runs = append(runs, r)
		}
	}
	slices.SortStableFunc(runs, func(a, b *runResult) int {
		if a.Validated != b.Validated {
			return map[bool]int{true: -1, false: 1}[a.Validated]
		}
		return cmp.Or(cmp.Compare(a.Top1Error, b.Top1Error), cmp.Compare(a.Dir, b.Dir))
	})
	tellApart(runs)
	return runs, nil
}

func readResult(dir string) (*runResult, error) {
	record, err := train.ReadRecord(dir)
	if err != nil {
		return nil, err
	}
	metrics, err := report.ReadMetrics(filepath.Join(dir, train.MetricsName))
	if err != nil {
		return nil, err
	}
	r := &runResult{Dir: dir, Net: record.Net.Name, Finished: record.Finished, settings: map[string]string{}}
	rows, err := report.SettingRows(record.Settings)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(dir, train.RecordName), err)
	}
	for _, row := range rows {
		r.settings[row.Name] = row.Value
	}
	train, lowest, speed := report.Summary(metrics)
	if train != nil {
		r.Epoch, r.Step, r.Loss, r.Speed = train.Epoch, train.Step, train.Loss, speed
	}
	if lowest != nil {
		r.Validated, r.Top1Error, r.Top5Error = true, lowest.Top1Error, lowest.Top5Error
	}
	return r, nil
}

// tellApart finds the settings in which the runs differ.
func tellApart(runs []*runResult) {
	names := map[string]bool{}
	for _, r := range runs {
		for name := range r.settings {
			names[name] = name != "run"
		}
	}
	for _, r := range runs {
		r.Differs = map[string]string{}
		for name, wanted := range names {
			if wanted && slices.ContainsFunc(runs, func(o *runResult) bool { return o.settings[name] != r.settings[name] }) {
				r.Differs[name] = r.settings[name]
			}
		}
	}
}

func printRuns(w io.Writer, runs []*runResult) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "run\tnet\tepoch\tstep\ttrain loss\ttop-1 %\ttop-5 %\timages/s\tstate\tdiffers in")
	for _, r := range runs {
		top1, top5 := "–", "–"
		if r.Validated {
			top1, top5 = fmt.Sprintf("%.2f", 100*r.Top1Error), fmt.Sprintf("%.2f", 100*r.Top5Error)
		}
		state := "may go on"
		if r.Finished != "" {
			state = "done"
		}
		var differs []string
		for _, name := range slices.Sorted(maps.Keys(r.Differs)) {
			differs = append(differs, fmt.Sprintf("%s=%s", name, cmp.Or(r.Differs[name], "–")))
		}
		printable.Fprintf(t, "%s\t%s\t%d\t%d\t%.3f\t%s\t%s\t%.1f\t%s\t%s\n", r.Dir, r.Net, r.Epoch, r.Step, r.Loss, top1, top5, r.Speed, state, strings.Join(differs, " "))
	}
	return t.Flush()
}
