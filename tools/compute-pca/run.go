package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"alexnet/augment"
	"alexnet/engine/collective"
	"alexnet/internal/printable"
	"alexnet/internal/redact"
	"alexnet/pipeline"
	"alexnet/pipeline/shards"
	"alexnet/tools/internal/command"
	"alexnet/tools/internal/data"
	"alexnet/tools/internal/ranks"
)

// options are the flags.
type options struct {
	shards    string // folder
	out       string // file
	json      bool
	recompute bool
	meanImage string // PNG file, "": none
	workers   int
	access    shards.Access
	ranks     ranks.Options
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	var o options
	app := &cli.App{
		Name:      "compute-pca",
		Usage:     "compute the principal axes of a training set's colours",
		UsageText: "compute-pca --shards DIR [--out pca.json] [--recompute] [--mean-image mean.png]",
		Description: "Shards hold the exact sums of their pixels, counted before any lossy codec,\n" +
			"so the axes need no pass over the pictures. With --recompute or --mean-image every\n" +
			"picture is decoded once, and the stored sums are checked: they must agree exactly, or\n" +
			"for JPEG shards within the codec's loss. Under mpirun, srun or torchrun the ranks share that pass.\n\n" +
			"Example:\n" +
			"   compute-pca --shards shards/train --out pca.json\n" +
			"   train-alexnet --train shards/train --val shards/val --pca pca.json --run run",
		Flags: append([]cli.Flag{
			&cli.StringFlag{Name: "shards", Usage: "`DIR` of shards, as prep-imagenet shard makes it, or its address: s3://, gs:// or https://", Destination: &o.shards},
			&cli.StringFlag{Name: "out", Usage: "write to `FILE`; an older one is replaced", Value: "pca.json", Destination: &o.out},
			&cli.BoolFlag{Name: "recompute", Usage: "decode every picture and check the stored statistics", Destination: &o.recompute},
			&cli.StringFlag{Name: "mean-image", Usage: "also write the mean picture to `FILE`, PNG, and its float32 values to a .npy file beside it", Destination: &o.meanImage},
			&cli.IntFlag{Name: "workers", Usage: "`N` goroutines that decode; 0 is one per processor; the result doesn't depend on it", Destination: &o.workers},
			&cli.BoolFlag{Name: "json", Usage: "print one JSON object on stdout: pca.json and what was checked", Destination: &o.json},
			ranks.TimeoutFlag(&o.ranks),
		}, data.Flags(&o.access, "")...),
		Action: func(c *cli.Context) error {
			if err := o.validate(); err != nil {
				return err
			}
			o.ranks.Terms = ranks.Terms(c, ranks.Kinds{Data: []string{"shards"}, Path: []string{"out", "mean-image"}})
			group, err := ranks.Join(o.ranks)
			if err != nil {
				return err
			}
			stdout, stderr := ranks.Streams(group, stdout, stderr)
			return ranks.Close(group, compute(c.Context, o, group, stdout, stderr))
		},
	}
	return command.Run(ctx, app, args, stdout, stderr)
}

func (o *options) validate() error {
	switch {
	case o.shards == "":
		return command.Usagef("--shards names the folder of shards and is needed (see compute-pca --help)")
	case o.out == "":
		return command.Usagef("--out is empty, want the name of a file")
	case o.workers < 0 || o.workers > pipeline.MostWorkers:
		return command.Usagef("--workers is %d, want 0 to %d", o.workers, pipeline.MostWorkers)
	case o.meanImage != "" && !strings.EqualFold(filepath.Ext(o.meanImage), ".png"):
		return command.Usagef("--mean-image is %q, want a name that ends in .png", o.meanImage)
	}
	return nil
}

// result is the output of --json.
type result struct {
	augment.PCA
	Shards    string      `json:"shards"`
	Out       string      `json:"out"`
	Images    int         `json:"images"`
	Check     *difference `json:"recomputed,omitempty"`
	MeanImage []string    `json:"mean_image,omitempty"` // the files written
}

func compute(ctx context.Context, o options, group collective.Collective, stdout, stderr io.Writer) (err error) {
	outputs := []command.Output{{Flag: "--out", Path: o.out, Form: command.PCA}}
	if o.meanImage != "" {
		outputs = append(outputs, command.Output{Flag: "--mean-image", Path: o.meanImage, Form: command.PNG},
			command.Output{Flag: "--mean-image: the values", Path: meanValues(o.meanImage), Form: command.NPY})
	}
	if err := command.MayReplaceAll(outputs); err != nil { // before a long pass
		return err
	}
	dataset, err := o.access.Open(ctx, o.shards, func(text string) { printable.Fprintf(stderr, "note: %s\n", text) })
	if err := collective.Agree(group, err); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, dataset.Close()) }()
	meta := dataset.Meta()
	r := result{Shards: redact.URL(o.shards), Out: o.out, Images: meta.Images}

	sums := meta.Statistics
	if sums.Pixels == 0 && !o.recompute {
		return fmt.Errorf("%s: the index holds no colour statistics; count the pixels with --recompute", o.shards)
	}
	if want := uint64(meta.Images) * uint64(meta.Size) * uint64(meta.Size); sums.Pixels != 0 && sums.Pixels != want {
		return fmt.Errorf("%s: the index's statistics are of %d pixels, but %d images have %d; make the shards again", o.shards, sums.Pixels, meta.Images, want)
	}
	var mean *augment.MeanImage
	if o.recompute || o.meanImage != "" {
		var counted augment.Sums
		counted, mean, err = pass(ctx, group, dataset, o.workers, o.meanImage != "", stderr)
		if err != nil {
			return err
		}
		if sums.Pixels == 0 {
			sums = counted
		} else {
			d, err := compare(sums, counted, dataset.Codec())
			if err != nil {
				return fmt.Errorf("%s: %w", o.shards, err)
			}
			r.Check = &d
		}
	}
	if r.PCA, err = augment.FromSums(sums); err != nil {
		return fmt.Errorf("%s: %w", o.shards, err)
	}
	if group.Rank() != 0 {
		return nil
	}
	if err := writeJSON(o.out, r.PCA); err != nil {
		return err
	}
	if mean != nil {
		if r.MeanImage, err = writeMean(o.meanImage, mean); err != nil {
			return err
		}
	}
	if o.json {
		return printJSON(stdout, r)
	}
	return r.print(stdout)
}

func printJSON(w io.Writer, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = printable.Fprintf(w, "%s\n", text)
	return err
}

// print writes the result for people.
func (r *result) print(w io.Writer) error {
	var b strings.Builder
	printable.Fprintf(&b, "%s: %s, %s, colours from 0 to 255\n", r.Shards, printable.Count(r.Images, "image"), printable.Count(int(r.Pixels), "pixel"))
	fmt.Fprintf(&b, "mean          R %7.2f   G %7.2f   B %7.2f\n", r.Mean[0], r.Mean[1], r.Mean[2])
	for i, v := range r.Eigenvectors {
		fmt.Fprintf(&b, "axis %d        R %7.4f   G %7.4f   B %7.4f   deviation %7.2f\n", i+1, v[0], v[1], v[2], math.Sqrt(r.Eigenvalues[i]))
	}
	if r.Check != nil {
		printable.Fprintf(&b, "checked against every pixel: %s\n", r.Check)
	}
	printable.Fprintf(&b, "wrote %s\n", strings.Join(append([]string{r.Out}, r.MeanImage...), ", "))
	_, err := io.WriteString(w, b.String())
	return err
}
