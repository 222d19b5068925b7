package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"alexnet/engine"
	"alexnet/pipeline"
	"alexnet/tools/internal/command"
)

// reportCommand draws the pictures of a run again.
func reportCommand(stderr io.Writer) *cli.Command {
	return &cli.Command{
		Name:      "report",
		Usage:     "draw the curve, the kernels and report.html of a run again",
		UsageText: "train-alexnet report --run runs/first",
		Description: "Training does this at its end. The report shows the best checkpoint, or the latest where nothing was validated,\n" +
			"on pictures of the run's validation shards.",
		Flags: []cli.Flag{
			&cli.PathFlag{Name: "run", Usage: "run folder `DIR`"},
			&cli.PathFlag{Name: "checkpoint", Usage: "checkpoint `FILE` to show instead"},
		},
		Action: func(c *cli.Context) error { return remakeReport(c, stderr) },
	}
}

func remakeReport(c *cli.Context, stderr io.Writer) error {
	dir := c.String("run")
	if dir == "" {
		return command.Usagef("--run is required: give the folder of a run")
	}
	record, err := readRun(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s holds no run (no %s)", dir, runName)
	}
	if err != nil {
		return err
	}
	data := record.Train.Dir
	if record.Val != nil {
		data = record.Val.Dir
	}
	d, err := pipeline.OpenDataset(data)
	if err != nil {
		return err
	}
	defer d.Close()
	path := c.String("checkpoint")
	if path == "" {
		if path, err = bestOrLatest(dir); err != nil {
			return err
		}
	}
	m, err := loadModel(path, d, "cpu", 32, 0)
	if err != nil {
		return err
	}
	defer m.Close()
	if err := draw(dir, m); err != nil {
		return err
	}
	if err := writeReport(c.Context, dir, m, d); err != nil {
		return err
	}
	fmt.Fprintln(stderr, "wrote", filepath.Join(dir, reportName))
	return nil
}

// bestOrLatest is the checkpoint that speaks for a run.
func bestOrLatest(dir string) (string, error) {
	all := engine.Checkpoints{Dir: filepath.Join(dir, checkpointsName)}
	if _, err := os.Stat(all.Best()); err == nil {
		return all.Best(), nil
	}
	path, err := all.Latest()
	if err == nil && path == "" {
		err = fmt.Errorf("%s has no checkpoint yet", dir)
	}
	return path, err
}
