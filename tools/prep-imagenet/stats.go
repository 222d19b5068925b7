package main

import (
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"alexnet/internal/bytesize"
	"alexnet/internal/printable"
	"alexnet/pipeline"
	"alexnet/pipeline/source"
	"alexnet/tools/internal/command"
)

const statsDescription = `Reads the pictures of a source, in any layout that shard reads, and prints their formats, their sizes in
pixels and bytes, the numbers of grey, CMYK and turned pictures, how evenly the classes are filled, and the
files that are not pictures. --colours also decodes each picture, for the mean and standard deviation of the
colours as shard would store them. For a folder of shards, see inspect.`

func statsCommand(stdout, stderr io.Writer) *cli.Command {
	var options source.Options
	var workers int
	var colours, asJSON bool
	return &cli.Command{
		Name:        "stats",
		Usage:       "print statistics of a source's pictures",
		ArgsUsage:   "SRC",
		Description: statsDescription,
		UsageText: `prep-imagenet stats imagenet/train
   prep-imagenet stats photos --colours --json`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "layout", Usage: "how SRC is laid out: auto, " + strings.Join(source.Layouts(), ", "), Value: "auto", Destination: &options.Layout},
			&cli.StringFlag{Name: "split", Usage: "which pictures, where SRC has several sets: train or val", Value: "train", Destination: &options.Split},
			&cli.StringFlag{Name: "spool", Usage: "unpack compressed archives to a temporary file in `DIR`; otherwise in the system's folder for temporary files", Destination: &options.Spool},
			&cli.BoolFlag{Name: "colours", Usage: "decode every picture for its colours", Destination: &colours},
			&cli.IntFlag{Name: "workers", Usage: "goroutines that read; 0 means one per processor", Destination: &workers},
			jsonFlag(&asJSON),
		},
		Action: func(c *cli.Context) error {
			if c.NArg() != 1 {
				return command.Usagef("stats takes one source of pictures; got %d (see prep-imagenet stats --help)", c.NArg())
			}
			options.Note = note(stderr)
			src, err := source.Open(c.Context, c.Args().First(), options)
			if err != nil {
				return err
			}
			defer src.Close()
			p := newProgress(stderr, "reading")
			s, err := pipeline.StatsOfSource(c.Context, src, workers, colours, func(done, total int) { p.update(done, total, "") })
			p.end(s.Pictures)
			if err != nil {
				return err
			}
			if asJSON {
				err = printJSON(stdout, s)
			} else {
				err = printStats(stdout, src, &s)
			}
			if n := len(s.Bad); err == nil && n > 0 {
				err = command.WithCode(command.Skipped, fmt.Errorf("%d of %s can't be read, such as %s: %s", n, printable.Count(s.Pictures, "file"), printable.Name(s.Bad[0].Name), s.Bad[0].Reason))
			}
			return err
		},
	}
}

// printStats writes the table for people.
func printStats(w io.Writer, src source.Source, s *pipeline.SourceStats) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	printable.Fprintf(t, "pictures\t%d, %s, layout %s\n", s.Pictures, bytesize.Format(s.Bytes), src.Layout())
	for _, name := range slices.Sorted(maps.Keys(s.Formats)) {
		printable.Fprintf(t, "  %s\t%d\n", name, s.Formats[name])
	}
	fmt.Fprintf(t, "grey, CMYK, turned by EXIF\t%d, %d, %d\n", s.Grey, s.CMYK, s.Turned)
	fmt.Fprintf(t, "short side below 256\t%d\n", s.Small)
	fmt.Fprintf(t, "can't be read\t%d\n", len(s.Bad))
	fmt.Fprintf(t, "\tsmallest, quarters, largest\n")
	fmt.Fprintf(t, "short side, pixels\t%d\n", s.ShortSide)
	fmt.Fprintf(t, "long side, pixels\t%d\n", s.LongSide)
	fmt.Fprintf(t, "file, bytes\t%d\n", s.FileBytes)
	fmt.Fprintf(t, "pictures a class, of %d\t%d to %d\n", len(s.PerClass), slices.Min(s.PerClass), slices.Max(s.PerClass))
	if s.Colours.Pixels > 0 {
		mean, cov := s.Colours.Mean(), s.Colours.Covariance()
		fmt.Fprintf(t, "mean RGB\t%.2f\n", mean)
		fmt.Fprintf(t, "std RGB\t%.2f\n", []float64{math.Sqrt(cov[0][0]), math.Sqrt(cov[1][1]), math.Sqrt(cov[2][2])})
	}
	return t.Flush()
}
