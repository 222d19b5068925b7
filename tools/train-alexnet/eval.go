package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"github.com/urfave/cli/v2"

	"alexnet/engine"
	"alexnet/engine/feed"
	"alexnet/pipeline"
	"alexnet/tools/internal/command"
	"alexnet/tools/internal/data"
)

// evalCommand measures a checkpoint on a folder of shards.
func evalCommand(stdout, stderr io.Writer) *cli.Command {
	var access data.Access
	return &cli.Command{
		Name:     "eval",
		Category: inUse,
		Usage:    "measure a checkpoint's error on a folder of shards",
		UsageText: `train-alexnet eval --checkpoint runs/first/checkpoints/best.safetensors --data shards/val
   train-alexnet eval --checkpoint FILE --data DIR --ten-crop --json
   train-alexnet eval --checkpoint a.safetensors --checkpoint b.safetensors --data DIR`,
		Description: "Prints loss, top-1 and top-5 error on the centre crop of every picture, or with --ten-crop on the mean\n" +
			"softmax of four corner crops, the centre and their mirror images, as in §4.1 of the paper. Several\n" +
			"checkpoints are measured as one ensemble, whose nets' softmax outputs are averaged.",
		Flags: slices.Concat(modelFlags(), []cli.Flag{
			&cli.PathFlag{Name: "data", Usage: "`DIR` of shards, or their address"},
			&cli.BoolFlag{Name: "ten-crop", Usage: "average over the paper's ten crops"},
			&cli.BoolFlag{Name: "json", Usage: "print one JSON object: images, loss, top1_error, top5_error (fractions)"},
			&cli.IntFlag{Name: "batch", Value: 100, Usage: "`N` pictures or crops at once; a multiple of ten with --ten-crop"},
			&cli.IntFlag{Name: "workers", Usage: "`N` goroutines that decode; 0 is one a core"},
		}, access.Flags("")),
		Action: func(c *cli.Context) error { return eval(c, &access, stdout, stderr) },
	}
}

func eval(c *cli.Context, access *data.Access, stdout, stderr io.Writer) error {
	if c.String("data") == "" {
		return command.Usagef("--data is required (see train-alexnet eval --help)")
	}
	if n := c.Int("batch"); n < 1 {
		return command.Usagef("--batch %d: want at least 1", n)
	}
	e, err := openEnsemble(c, c.Int("batch"), "")
	if err != nil {
		return err
	}
	defer e.close()
	line := command.NewLine(stderr)
	d, err := access.Open(c.Context, c.String("data"), noted(line))
	if err != nil {
		return err
	}
	defer d.Close()
	if err := sameClasses(c.StringSlice("checkpoint")[0], e.classes, d); err != nil {
		return err
	}
	if size := d.Meta().Size; e.trained != 0 && size != e.trained {
		line.Print("note: the net was trained on pictures of %d pixels a side, those of %s have %d, so it sees another part of them", e.trained, d.Dir(), size)
	}
	var members []engine.Member
	leaders := map[int]*leader{} // by input size: pictures are decoded once for all nets of a size
	for _, m := range e.models {
		if l := leaders[m.Net.Input.Size]; l != nil {
			members = append(members, engine.Member{Model: m, Feeder: follower{l}})
			continue
		}
		f, err := feed.OnePass(m, d, pipeline.LoaderConfig{
			Batch: c.Int("batch"), Crop: m.Net.Input.Size, TenCrop: c.Bool("ten-crop"), Workers: c.Int("workers"),
		})
		if err != nil {
			return err
		}
		defer f.Close()
		l := &leader{Feeder: f}
		if len(leaders) == 0 {
			l.Feeder = &counter{Feeder: f, line: line, total: d.Len(), views: e.views}
		}
		leaders[m.Net.Input.Size] = l
		members = append(members, engine.Member{Model: m, Feeder: l})
	}
	score, err := engine.EvaluateEnsemble(c.Context, members, e.views)
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

// sameClasses reports a checkpoint and shards of different classes.
func sameClasses(path string, classes []string, d *pipeline.Dataset) error {
	ids := d.ClassIDs()
	if slices.Equal(classes, ids) {
		return nil
	}
	return fmt.Errorf("checkpoint %s was trained on %d classes (%s …), %s has %d (%s …%s): give shards of the same classes, which prep-imagenet shard --classes makes of pictures of some of them",
		path, len(classes), first(classes), d.Dir(), len(ids), first(ids), pipeline.ClassDifference(classes, ids))
}

// leader is the feeder of an ensemble's first net of an input size. It keeps
// its last batch for the others, who take their turns before it takes the next.
type leader struct {
	engine.Feeder
	batch engine.Batch
	err   error
}

// Next passes the feeder's batch on.
func (l *leader) Next(ctx context.Context) (engine.Batch, error) {
	l.batch, l.err = l.Feeder.Next(ctx)
	return l.batch, l.err
}

// follower gives another net what the leader was given.
type follower struct{ *leader }

// Next is the leader's last batch.
func (f follower) Next(context.Context) (engine.Batch, error) { return f.batch, f.err }

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
