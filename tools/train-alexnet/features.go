package main

import (
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
			"beside it that ends in .txt. A row is the layer's output after its activation and before dropout: 4096 numbers\n" +
			"for alexnet's fc7. Pictures that look alike to the net have rows with small distances (figure 4 of the paper).\n" +
			"Pictures that cannot be read are named and left out, and the exit code is 3.",
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
	case out == "":
		return command.Usagef("--out is required: give a file that ends in .npy (see train-alexnet features --help)")
	case filepath.Ext(out) != ".npy":
		return command.Usagef("--out %s: want a file that ends in .npy", out)
	case len(c.StringSlice("checkpoint")) > 1:
		return command.Usagef("--checkpoint: the layers of several nets have nothing in common: give one")
	case c.Bool("ten-crop"):
		return command.Usagef("--ten-crop: features are those of the centre crop")
	case (c.Path("data") == "") == (c.NArg() == 0):
		return command.Usagef("give pictures (files, folders, or - for a list on standard input), or shards by --data")
	}
	if err := command.MayReplace("--out", out, command.NPY); err != nil {
		return err
	}
	e, err := openEnsemble(c, c.Int("batch"), c.String("layer"))
	if err != nil {
		return err
	}
	defer e.Close()
	table, err := infer.NewVectorFile(out)
	if err != nil {
		return fmt.Errorf("--out: %w", err)
	}
	defer func() { table.Abandon() }()
	line := command.NewLine(stderr)
	defer line.Clear()
	bad, all := 0, 0
	if dir := c.Path("data"); dir != "" {
		d, err := access.Open(c.Context, dir, noted(line))
		if err != nil {
			return err
		}
		defer d.Close()
		err = e.DatasetVectors(c.Context, d, table, func(done int) { line.Update("%d of %s", done, printable.Count(d.Len(), "picture")) })
		if err != nil {
			return err
		}
	} else {
		files, err := pictureFiles(c, e, line, func(infer.BadPicture) {})
		if err != nil {
			return err
		}
		all = len(files.Names)
		if bad, err = e.FileVectors(c.Context, files, table); err != nil {
			return err
		}
	}
	line.Clear()
	if err := table.Commit(); err != nil {
		return fmt.Errorf("--out: %w", err)
	}
	printable.Fprintf(stderr, "wrote %s: %s of %s\n", out, printable.Count(table.Rows, "vector"), printable.Count(table.Width, "number"))
	return command.SkippedPictures(bad, all)
}
