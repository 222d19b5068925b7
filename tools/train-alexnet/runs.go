package main

import (
	"io"

	"github.com/urfave/cli/v2"

	"alexnet/engine/train/report"
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
			runs, err := report.CompareRuns(c.Context, c.Args().Slice())
			if err != nil {
				return err
			}
			return command.Print(c, stdout, map[string]any{"runs": runs}, func(w io.Writer) error {
				return report.RunTable(w, runs, command.Columns(stdout))
			})
		},
	}
}
