package main

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"alexnet/internal/bytesize"
	"alexnet/internal/printable"
	"alexnet/pipeline"
	"alexnet/pipeline/shards"
	"alexnet/tools/internal/command"
	"alexnet/tools/internal/data"
)

const inspectDescription = `Shows what a folder of shards holds: images, classes and how many of each, shards, bytes, codec, and mean
and standard deviation of the colours. --sheet draws the first pictures of each class with its name.`

// inspectResult is the output of --json.
type inspectResult struct {
	Dir      string        `json:"dir"`
	Shards   int           `json:"shards"`
	Bytes    int64         `json:"bytes"`
	PerClass []int         `json:"per_class"`
	Mean     [3]float64    `json:"mean"`
	Std      [3]float64    `json:"std"`
	Meta     pipeline.Meta `json:"meta"`
}

func inspectCommand(stdout, stderr io.Writer) *cli.Command {
	var sheet string
	var cfg pipeline.SheetConfig
	var asJSON bool
	var access shards.Access
	return &cli.Command{
		Name:        "inspect",
		Usage:       "show what a folder of shards holds",
		ArgsUsage:   "DIR",
		Description: inspectDescription,
		UsageText: `prep-imagenet inspect shards/train
   prep-imagenet inspect --sheet sheet.png --per-class 12 shards/train`,
		Flags: append([]cli.Flag{
			&cli.StringFlag{Name: "sheet", Usage: "write a contact sheet to `FILE`.png", Destination: &sheet},
			&cli.IntFlag{Name: "per-class", Usage: "pictures of each class on the sheet", Value: 8, Destination: &cfg.PerClass},
			&cli.IntFlag{Name: "side", Usage: "side of a picture on the sheet in pixels", Value: 96, Destination: &cfg.Side},
			&cli.IntFlag{Name: "max-classes", Usage: "classes on the sheet at most", Value: 100, Destination: &cfg.Classes},
			jsonFlag(&asJSON),
		}, data.Flags(&access, "")...),
		Action: func(c *cli.Context) error {
			dir, err := oneFolder(c)
			if err != nil {
				return err
			}
			if sheet != "" {
				if err := command.MayReplace("--sheet", sheet, command.PNG); err != nil {
					return err
				}
			}
			d, err := access.Open(c.Context, dir, note(stderr))
			if err != nil {
				return err
			}
			defer d.Close()
			result, err := inspect(d)
			if err != nil {
				return err
			}
			if sheet != "" {
				if err := writeSheet(sheet, d, cfg); err != nil {
					return err
				}
			}
			if asJSON {
				return printJSON(stdout, result)
			}
			return result.print(stdout)
		},
	}
}

// inspect counts what is not in the index.
func inspect(d *pipeline.Dataset) (*inspectResult, error) {
	r := &inspectResult{Dir: d.Dir(), Shards: len(d.Index().Shards), Meta: *d.Meta()}
	for _, s := range d.Index().Shards {
		if s.ZipData != nil {
			r.Bytes += s.ZipData.Bytes
		} else {
			r.Bytes += s.RawData.Bytes
		}
	}
	var err error
	if r.PerClass, err = d.ClassCounts(); err != nil {
		return nil, err
	}
	r.Mean = r.Meta.Statistics.Mean()
	for k, row := range r.Meta.Statistics.Covariance() {
		r.Std[k] = math.Sqrt(row[k])
	}
	return r, nil
}

// print writes the table for people.
func (r *inspectResult) print(w io.Writer) error {
	m := &r.Meta
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	printable.Fprintf(t, "images\t%d of %d×%d pixels, split %s\n", m.Images, m.Size, m.Size, m.Split)
	printable.Fprintf(t, "source\t%s, %d found, %d left out\n", m.Source.Layout, m.Source.Found, m.Source.Skipped)
	if m.Quality > 0 {
		printable.Fprintf(t, "codec\t%s, quality %d\n", m.Codec, m.Quality)
	} else {
		printable.Fprintf(t, "codec\t%s\n", m.Codec)
	}
	printable.Fprintf(t, "shards\t%d, %s, %s an image\n", r.Shards, bytesize.Format(r.Bytes), bytesize.Format(r.Bytes/int64(max(m.Images, 1))))
	fmt.Fprintf(t, "seed\t%d\n", m.Seed)
	fmt.Fprintf(t, "mean RGB\t%.2f %.2f %.2f\n", r.Mean[0], r.Mean[1], r.Mean[2])
	fmt.Fprintf(t, "std RGB\t%.2f %.2f %.2f\n", r.Std[0], r.Std[1], r.Std[2])
	fmt.Fprintf(t, "classes\t%d\n", len(m.Classes))
	largest := 1
	for _, n := range r.PerClass {
		largest = max(largest, n)
	}
	for label, c := range m.Classes {
		const width = 40
		bar := bytes.Repeat([]byte("#"), (r.PerClass[label]*width+largest-1)/largest)
		printable.Fprintf(t, "  %d %s\t%d %s %s\n", label, c.ID, r.PerClass[label], bar, c.Name)
	}
	return t.Flush()
}

// writeSheet writes the contact sheet.
func writeSheet(path string, d *pipeline.Dataset, cfg pipeline.SheetConfig) error {
	sheet, err := pipeline.Sheet(d, cfg)
	if err != nil {
		return err
	}
	return writePNG(path, sheet)
}
