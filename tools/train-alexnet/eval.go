package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"github.com/urfave/cli/v2"

	"alexnet/engine"
	"alexnet/internal/printable"
	"alexnet/pipeline/shards"
	"alexnet/tools/internal/command"
	"alexnet/tools/internal/data"
)

// evalCommand measures a checkpoint on a folder of shards.
func evalCommand(stdout, stderr io.Writer) *cli.Command {
	var access shards.Access
	return &cli.Command{
		Name:     "eval",
		Category: inUse,
		Usage:    "measure a checkpoint's error on a folder of shards",
		UsageText: `train-alexnet eval --checkpoint runs/first/checkpoints/best.safetensors --data shards/val
   train-alexnet eval --checkpoint FILE --data DIR --ten-crop --json
   train-alexnet eval --checkpoint a.safetensors --checkpoint b.safetensors --data DIR`,
		Description: "Prints loss, top-1 and top-5 error on the centre crop of every picture, or with --ten-crop on the mean\n" +
			"softmax of four corner crops, the centre and their mirror images, as in §4.1 of the paper. Several\n" +
			"checkpoints are measured as one ensemble: the softmax outputs of their nets are averaged.",
		Flags: slices.Concat(modelFlags(), []cli.Flag{
			&cli.PathFlag{Name: "data", Usage: "`DIR` of shards, or their address"},
			&cli.BoolFlag{Name: "ten-crop", Usage: "average over the paper's ten crops"},
			&cli.BoolFlag{Name: "json", Usage: "print one JSON object: images, loss, top1_error, top5_error (fractions)"},
			&cli.IntFlag{Name: "batch", Value: 100, Usage: "`N` pictures or crops at once; a multiple of ten with --ten-crop"},
			&cli.IntFlag{Name: "workers", Usage: "`N` goroutines that decode; 0 is one per core"},
		}, data.Flags(&access, "")),
		Action: command.Interruptible(func(c *cli.Context) error { return eval(c, &access, stdout, stderr) }),
	}
}

func eval(c *cli.Context, access *shards.Access, stdout, stderr io.Writer) error {
	if c.String("data") == "" {
		return command.Required(c, "data")
	}
	e, err := openEnsemble(c, c.Int("batch"), "")
	if err != nil {
		return err
	}
	defer e.Close()
	line := command.NewLine(stderr)
	d, err := access.Open(c.Context, c.String("data"), noted(line))
	if err != nil {
		return err
	}
	defer d.Close()
	if err := e.Fits(d); err != nil {
		return flagged(err)
	}
	if size := d.Meta().Size; e.TrainedSize() != 0 && size != e.TrainedSize() {
		line.Print("note: the net was trained on pictures of %d pixels a side, those of %s have %d, so it sees another part of them", e.TrainedSize(), d.Dir(), size)
	}
	score, err := e.Evaluate(c.Context, d, c.Int("workers"), func(done, total int) {
		line.Update("evaluating: %d of %s", done, printable.Count(total, "picture"))
	})
	line.Clear()
	if err != nil {
		return err
	}
	if c.Bool("json") {
		return json.NewEncoder(stdout).Encode(score)
	}
	errors := fmt.Sprintf("top-1 error %.2f %%", 100*score.Top1Error)
	if engine.Top5Tells(len(e.Classes())) {
		errors += fmt.Sprintf(", top-5 error %.2f %%", 100*score.Top5Error)
	}
	fmt.Fprintf(stdout, "%s: %s, loss %s\n", printable.Count(score.Images, "picture"), errors, printable.Fixed(score.Loss, 4))
	return nil
}
