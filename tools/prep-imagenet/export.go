package main

import (
	"io"
	"math"
	"strings"

	"github.com/urfave/cli/v2"

	"alexnet/internal/printable"
	"alexnet/pipeline"
	"alexnet/pipeline/shards"
	"alexnet/tools/internal/command"
	"alexnet/tools/internal/data"
)

const exportDescription = `Writes the pictures of a folder of shards for other programs, as WebDataset tars or as class folders. A tar has
--per-tar samples, each with .cls, .jpg or .png, and .json. Pictures that are stored as JPEG are copied byte for
byte; others are written as PNG without loss, or as JPEG with --format jpeg. The same shards give the same
bytes. --out/classes.txt lists the classes in label order, for --classes.`

// exportResult is the output of --json.
type exportResult struct {
	Out             string  `json:"out"`
	To              string  `json:"to"`
	Images          int     `json:"images"`
	ImagesPerSecond float64 `json:"images_per_s"`
}

func exportCommand(stdout, stderr io.Writer) *cli.Command {
	var cfg pipeline.ExportConfig
	var asJSON bool
	var access shards.Access
	return &cli.Command{
		Name:        "export",
		Usage:       "write shards as WebDataset tars or as class folders",
		ArgsUsage:   "DIR",
		Description: exportDescription,
		UsageText: `prep-imagenet export shards/train --to webdataset --out tars
   prep-imagenet export shards/val --to folders --out pictures --format jpeg --quality 95`,
		Flags: append([]cli.Flag{
			&cli.StringFlag{Name: "to", Usage: "what to write: " + strings.Join(pipeline.ExportForms(), " or "), Destination: &cfg.To},
			&cli.StringFlag{Name: "out", Usage: "write to `DIR`, which is made, or has to be empty", Destination: &cfg.Out},
			&cli.StringFlag{Name: "format", Usage: "png or jpeg; otherwise jpeg for pictures that are stored as JPEG, and png for others", Destination: &cfg.Format},
			&cli.IntFlag{Name: "quality", Usage: "JPEG quality, where pictures aren't copied", Value: 90, Destination: &cfg.Quality},
			&cli.IntFlag{Name: "per-tar", Usage: "samples of a tar", Value: 1000, Destination: &cfg.PerTar},
			jsonFlag(&asJSON),
		}, data.Flags(&access, "")...),
		Action: func(c *cli.Context) error {
			dir, err := oneFolder(c)
			if err != nil {
				return err
			}
			if cfg.To == "" || cfg.Out == "" {
				return command.Usagef("export needs --to %s and --out DIR (see prep-imagenet export --help)", strings.Join(pipeline.ExportForms(), "|"))
			}
			d, err := access.Open(c.Context, dir, note(stderr))
			if err != nil {
				return err
			}
			defer d.Close()
			if err := cfg.Validate(d); err != nil {
				return command.Usagef("%w", err)
			}
			p := newProgress(stderr, "exporting")
			err = pipeline.Export(c.Context, d, cfg, func(done, total int) { p.update(done, total, "") })
			rate := p.end(d.Len())
			if err != nil {
				return err
			}
			printable.Fprintf(stderr, "%s: %s as %s, %.0f images/s\n", cfg.Out, printable.Count(d.Len(), "image"), cfg.To, rate)
			if !asJSON {
				return nil
			}
			return printJSON(stdout, exportResult{cfg.Out, cfg.To, d.Len(), math.Round(rate*10) / 10})
		},
	}
}
