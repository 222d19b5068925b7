package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"

	"github.com/urfave/cli/v2"

	"alexnet/engine/infer"
	"alexnet/internal/printable"
	"alexnet/pipeline/shards"
	"alexnet/tools/internal/command"
	"alexnet/tools/internal/data"
)

// featuresCommand writes the output of a layer for pictures.
func featuresCommand(stderr io.Writer) *cli.Command {
	var access shards.Access
	return &cli.Command{
		Name:      "features",
		Category:  inUse,
		Usage:     "write a layer's output for pictures, as vectors for numpy",
		ArgsUsage: "IMAGE…",
		UsageText: `train-alexnet features --checkpoint FILE --out holiday.npy holiday/
   train-alexnet features --checkpoint FILE --data shards/val --out val.npy
   python -c 'import numpy; print(numpy.load("val.npy", mmap_mode="r").shape)'`,
		Description: "Writes one row a picture, float32, to --out, and the pictures' names in the same order, one a line, to a file\n" +
			"beside it that ends in .txt. A row is the layer's output behind its activation and before dropout: 4096 numbers\n" +
			"for alexnet's fc7, whose distances say what looks alike to the net (figure 4 of the paper). Pictures that cannot\n" +
			"be read are named and left out, and the exit code is 3.",
		Flags: slices.Concat(pictureFlags(200), []cli.Flag{
			&cli.PathFlag{Name: "data", Usage: "`DIR` of shards to look at, or their address, instead of picture files"},
			&cli.StringFlag{Name: "layer", Value: "fc7", Usage: "`NAME` of a layer with weights"},
			&cli.PathFlag{Name: "out", Usage: "write the vectors to `FILE`, .npy"},
			&cli.IntFlag{Name: "batch", Value: 20, Usage: "`N` crops at once"},
		}, data.Flags(&access, "")),
		Action: command.Interruptible(func(c *cli.Context) error { return features(c, &access, stderr) }),
	}
}

func features(c *cli.Context, access *shards.Access, stderr io.Writer) (err error) {
	out := c.Path("out")
	switch {
	case filepath.Ext(out) != ".npy":
		return command.Usagef("--out %s: want a file that ends in .npy", out)
	case len(c.StringSlice("checkpoint")) > 1:
		return command.Usagef("--checkpoint: the layers of several nets have nothing in common: give one")
	case c.Bool("ten-crop"):
		return command.Usagef("--ten-crop: features are those of the centre crop")
	case (c.Path("data") == "") == (c.NArg() == 0):
		return command.Usagef("give pictures (files, folders, or - for a list on standard input), or shards by --data")
	}
	e, err := openEnsemble(c, c.Int("batch"), c.String("layer"))
	if err != nil {
		return err
	}
	defer e.Close()
	if err := command.MayReplace("--out", out, command.NPY); err != nil {
		return err
	}
	table, err := infer.NewVectorFile(out)
	if err != nil {
		return fmt.Errorf("--out: %w", err)
	}
	defer func() { table.Abandon() }()
	line := command.NewLine(stderr)
	bad, all := 0, 0
	if dir := c.Path("data"); dir != "" {
		err = shardFeatures(c.Context, access, e, dir, table, line)
	} else {
		bad, all, err = pictureFeatures(c, e, table, line)
	}
	line.Clear()
	if err != nil {
		return err
	}
	if err := table.Commit(); err != nil {
		return fmt.Errorf("--out: %w", err)
	}
	printable.Fprintf(stderr, "wrote %s: %d vectors of %d numbers\n", out, table.Rows, table.Width)
	return skippedError(bad, all)
}

// pictureFeatures writes the features of the files in the arguments.
func pictureFeatures(c *cli.Context, e *infer.Ensemble, table *infer.VectorFile, line *command.Line) (bad, all int, err error) {
	files, err := infer.List(c.Args().Slice(), c.App.Reader)
	if err != nil {
		return 0, 0, flagged(err)
	}
	pictures, err := newReader(c, e, line)
	if err != nil {
		return 0, 0, err
	}
	err = pictures.Groups(c.Context, files, e.Pictures(), func(g infer.Group) error {
		bad += len(tellBad(line, g.Bad))
		if len(g.Squares) == 0 {
			return nil
		}
		vectors, err := e.Features(g.Squares)
		if err != nil {
			return err
		}
		line.Update("%d of %d pictures", g.Last, len(files))
		return table.Add(vectors, g.Names)
	})
	if err == nil && bad == len(files) {
		err = errors.New("none of the pictures could be read")
	}
	return bad, len(files), err
}

// shardFeatures writes the features of every sample of a folder of shards, in stored
// order.
func shardFeatures(ctx context.Context, access *shards.Access, e *infer.Ensemble, dir string, table *infer.VectorFile, line *command.Line) error {
	d, err := access.Open(ctx, dir, noted(line))
	if err != nil {
		return err
	}
	defer d.Close()
	return e.DatasetFeatures(ctx, d, func(vectors []float32, names []string) error {
		line.Update("%d of %d pictures", table.Rows, d.Len())
		return table.Add(vectors, names)
	})
}
