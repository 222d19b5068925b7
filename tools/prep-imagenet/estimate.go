package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"alexnet/internal/bytesize"
	"alexnet/internal/printable"
	"alexnet/pipeline"
	"alexnet/pipeline/source"
)

// estimateResult is the output of --dry-run --json.
type estimateResult struct {
	Out      string  `json:"out"`
	Layout   string  `json:"layout"`
	Images   int     `json:"images"` // listed
	Classes  int     `json:"classes"`
	Sample   int     `json:"sample"`
	Bad      int     `json:"bad"`      // of the sample
	Enlarged int     `json:"enlarged"` // of the sample, smaller than --size
	Bytes    int64   `json:"bytes"`
	Seconds  float64 `json:"seconds"`
}

// estimate is --dry-run.
func (f *shardFlags) estimate(ctx context.Context, src source.Source, stdout, stderr io.Writer) error {
	estimate, what, where := pipeline.EstimateShard, "picture", "would take"
	if f.append {
		estimate, what, where = pipeline.EstimateAppend, "new picture", "would grow by"
	}
	e, err := estimate(ctx, f.ShardConfig, src)
	if err != nil {
		return err
	}
	printable.Fprintf(stderr, "%s: %s, %s of %s\n", f.in, src.Layout(), printable.Count(e.Pictures, what), printable.Count(len(src.Classes()), "class"))
	if e.Pictures == 0 {
		printable.Fprintf(stderr, "%s: holds all of them; nothing to do\n", f.Out)
	} else {
		such := ""
		if e.Bad > 0 {
			such = fmt.Sprintf(", such as %s: %s", printable.Name(e.FirstBad.Name), printable.Text(e.FirstBad.Reason))
		}
		printable.Fprintf(stderr, "%s: %s about %s, in %s, from %s tried, %d of them bad%s; nothing is written\n",
			f.Out, where, bytesize.Format(e.Bytes), printable.Span(max(e.Time, time.Second)), printable.Count(e.Sample, "picture"), e.Bad, printable.Verbatim(such))
	}
	tellEnlarged(stderr, e.Enlarged, e.Sample, f.Size)
	if !f.json {
		return nil
	}
	return printJSON(stdout, estimateResult{f.Out, src.Layout(), e.Pictures, len(src.Classes()), e.Sample, e.Bad, e.Enlarged, e.Bytes, e.Time.Seconds()})
}
