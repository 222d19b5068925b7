package main

import (
	"context"
	"fmt"
	"io"

	"alexnet/pipeline"
	"alexnet/pipeline/source"
	"alexnet/tools/internal/command"
)

// estimateResult is what --dry-run --json prints.
type estimateResult struct {
	Out     string  `json:"out"`
	Layout  string  `json:"layout"`
	Images  int     `json:"images"` // listed
	Classes int     `json:"classes"`
	Sample  int     `json:"sample"`
	Bad     int     `json:"bad"` // of the sample
	Bytes   int64   `json:"bytes"`
	Seconds float64 `json:"seconds"`
}

// estimate is --dry-run.
func (f *shardFlags) estimate(ctx context.Context, src source.Source, stdout, stderr io.Writer) error {
	e, err := pipeline.EstimateShard(ctx, f.ShardConfig, src)
	if err != nil {
		return err
	}
	fmt.Fprintf(stderr, "%s: %s, %d pictures of %d classes\n", f.in, src.Layout(), e.Pictures, len(src.Classes()))
	fmt.Fprintf(stderr, "%s: would take about %s and %s, from %d pictures tried, %d of them bad; nothing is written\n",
		f.Out, humanBytes(e.Bytes), command.Span(e.Time), e.Sample, e.Bad)
	if !f.json {
		return nil
	}
	return printJSON(stdout, estimateResult{f.Out, src.Layout(), e.Pictures, len(src.Classes()), e.Sample, e.Bad, e.Bytes, e.Time.Seconds()})
}
