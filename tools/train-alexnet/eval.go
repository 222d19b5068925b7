package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"github.com/urfave/cli/v2"

	"alexnet/engine"
	"alexnet/engine/devices"
	"alexnet/pipeline"
	"alexnet/tools/internal/command"
)

// evalCommand measures a checkpoint on a folder of shards.
func evalCommand(stdout, stderr io.Writer) *cli.Command {
	return &cli.Command{
		Name:  "eval",
		Usage: "measure a checkpoint's error on a folder of shards",
		UsageText: `train-alexnet eval --checkpoint runs/first/checkpoints/best.safetensors --data shards/val
   train-alexnet eval --checkpoint FILE --data DIR --ten-crop --json`,
		Description: "Prints loss, top-1 and top-5 error on the centre crop of every picture, or with --ten-crop on the mean\nsoftmax of four corner crops, the centre and their mirror images, as in §4.1 of the paper.",
		Flags: []cli.Flag{
			&cli.PathFlag{Name: "checkpoint", Usage: "checkpoint `FILE`"},
			&cli.PathFlag{Name: "data", Usage: "`DIR` of shards"},
			&cli.BoolFlag{Name: "ten-crop", Usage: "average over the paper's ten crops"},
			&cli.BoolFlag{Name: "json", Usage: "print one JSON object: images, loss, top1_error, top5_error (fractions)"},
			&cli.StringFlag{Name: "devices", Value: "cpu", Usage: "`LIST` of device contexts"},
			&cli.IntFlag{Name: "batch", Value: 100, Usage: "`N` pictures or crops at once; a multiple of ten with --ten-crop"},
			&cli.IntFlag{Name: "threads", Usage: "`N` CPU threads; 0 is one a core"},
			&cli.IntFlag{Name: "workers", Usage: "`N` goroutines that decode; 0 is one a core"},
		},
		Action: func(c *cli.Context) error { return eval(c, stdout, stderr) },
	}
}

func eval(c *cli.Context, stdout, stderr io.Writer) error {
	for _, name := range []string{"checkpoint", "data"} {
		if c.String(name) == "" {
			return command.Usagef("--%s is required (see train-alexnet eval --help)", name)
		}
	}
	if n := c.Int("batch"); n < 1 {
		return command.Usagef("--batch %d: want at least 1", n)
	}
	d, err := pipeline.OpenDataset(c.String("data"))
	if err != nil {
		return err
	}
	defer d.Close()
	m, err := loadModel(c.String("checkpoint"), d, c.String("devices"), c.Int("batch"), c.Int("threads"))
	if err != nil {
		return err
	}
	defer m.Close()
	f, err := onePass(d, pipeline.LoaderConfig{
		Batch: c.Int("batch"), Crop: m.Net.Input.Size, TenCrop: c.Bool("ten-crop"), Workers: c.Int("workers"),
	})
	if err != nil {
		return err
	}
	defer f.Close()
	views := 1
	if c.Bool("ten-crop") {
		views = 10
	}
	line := command.NewLine(stderr)
	counted := &counter{Feeder: f, line: line, total: d.Len(), views: views}
	score, err := engine.Evaluate(c.Context, m, counted, views)
	line.Clear()
	if err != nil {
		return err
	}
	if c.Bool("json") {
		return json.NewEncoder(stdout).Encode(score)
	}
	fmt.Fprintf(stdout, "images %d  loss %.4f  top1_error %.4f  top5_error %.4f\n", score.Images, score.Loss, score.Top1Error, score.Top5Error)
	return nil
}

// loadModel makes a model for inference from a checkpoint, for the classes of
// d.
func loadModel(path string, d *pipeline.Dataset, list string, batch, threads int) (*engine.Model, error) {
	file, err := engine.OpenCheckpoint(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if ids := classIDs(d); !slices.Equal(file.Classes, ids) {
		return nil, fmt.Errorf("checkpoint %s was trained on %d classes (%s …), %s has %d (%s …): give shards of the same classes",
			path, len(file.Classes), first(file.Classes), d.Dir(), len(ids), first(ids))
	}
	contexts, err := devices.Open(list, devices.Options{Threads: threads})
	if err != nil {
		return nil, command.Usagef("--devices: %w", err)
	}
	m, err := engine.NewModel(file.Net, contexts, engine.ModelConfig{Batch: batch, Mean: file.Mean, Inference: true})
	if err != nil {
		for _, c := range contexts {
			c.Close()
		}
		return nil, err
	}
	if err := file.Restore(m); err != nil {
		m.Close()
		return nil, err
	}
	return m, nil
}

// counter shows how far a pass has come.
type counter struct {
	engine.Feeder
	line         *command.Line
	rows         int
	total, views int
}

// Next passes the feeder's batch on.
func (c *counter) Next(ctx context.Context) (engine.Batch, error) {
	b, err := c.Feeder.Next(ctx)
	if err == nil {
		c.line.Update("evaluating: %d of %d pictures", c.rows/c.views, c.total)
		c.rows += b.Images
	}
	return b, err
}
