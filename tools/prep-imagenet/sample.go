package main

import (
	"io"
	"math"

	"github.com/urfave/cli/v2"

	"alexnet/internal/printable"
	"alexnet/pipeline/synthetic"
	"alexnet/tools/internal/command"
)

const sampleDescription = `Renders a synthetic set: textures (bricks, checks, crosses, dots, rings, scales, stripes, triangles, waves,
weave) in random colours, scales and turns, as JPEG files in DIR/train/<class>/ and DIR/val/<class>/.
Colour says nothing about the class, so a net has to learn shape. The same flags give the same bytes
on every machine.`

// sampleResult is the output of --json.
type sampleResult struct {
	Out             string  `json:"out"`
	Images          int     `json:"images"`
	Classes         int     `json:"classes"`
	PerClass        int     `json:"per_class"`
	ValPerClass     int     `json:"val_per_class"`
	ImagesPerSecond float64 `json:"images_per_s"`
}

func sampleCommand(stdout, stderr io.Writer) *cli.Command {
	var out string
	var asJSON bool
	var cfg synthetic.Config
	return &cli.Command{
		Name:        "sample",
		Usage:       "render a synthetic set of pictures",
		Description: sampleDescription,
		UsageText: `prep-imagenet sample --out practice
   prep-imagenet sample --out small --classes 4 --per-class 50 --seed 7
   prep-imagenet sample --out cifar10 --per-class 500 --size 32`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "out", Usage: "write the pictures to `DIR`, which is made, or has to be empty", Destination: &out},
			&cli.IntFlag{Name: "classes", Usage: "how many classes, 2 to 10", Value: 10, Destination: &cfg.Classes},
			&cli.IntFlag{Name: "per-class", Usage: "training pictures a class", Value: 200, Destination: &cfg.PerClass},
			&cli.IntFlag{Name: "val-per-class", Usage: "validation pictures a class; 0 means a quarter of --per-class", Destination: &cfg.ValPerClass},
			&cli.IntFlag{Name: "size", Usage: "write squares of so many `PIXELS` a side, such as 32 for a set like CIFAR-10; 0 means whole pictures", Destination: &cfg.Size},
			&cli.Uint64Flag{Name: "seed", Usage: "seed of everything that is drawn", Destination: &cfg.Seed},
			&cli.IntFlag{Name: "workers", Usage: "goroutines that render; 0 means one per processor", Destination: &cfg.Workers},
			jsonFlag(&asJSON),
		},
		Action: func(c *cli.Context) error {
			if out == "" {
				return command.Usagef("sample needs --out DIR (see prep-imagenet sample --help)")
			}
			if err := cfg.Validate(); err != nil {
				return command.Usagef("%w", err)
			}
			p := newProgress(stderr, "rendering")
			n, err := synthetic.Write(c.Context, out, cfg, func(done, total int) { p.update(done, total, "") })
			rate := p.end(n)
			if err != nil {
				return err
			}
			printable.Fprintf(stderr, "%s: %s of %s, %.0f images/s\n", out, printable.Count(n, "image"), printable.Count(cfg.Classes, "class"), rate)
			if !asJSON {
				return nil
			}
			return printJSON(stdout, sampleResult{out, n, cfg.Classes, cfg.PerClass, cfg.ValPerClass, math.Round(rate*10) / 10})
		},
	}
}
