package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"alexnet/augment"
	"alexnet/engine/collective"
	"alexnet/engine/collective/launch"
	"alexnet/internal/printable"
	"alexnet/pipeline"
	"alexnet/tools/internal/command"
)

// pass decodes every picture once and counts its pixels, and with mean also their sums at
// each position. The ranks of group divide the pictures, and all get the total count.
// Progress goes to stderr: rewritten in place on a terminal, else a line at the end.
func pass(ctx context.Context, group collective.Collective, dataset *pipeline.Dataset, workers int, mean bool, stderr io.Writer) (augment.Sums, *augment.MeanImage, error) {
	first, end := group.Rank()*dataset.Len()/group.Size(), (group.Rank()+1)*dataset.Len()/group.Size()
	if workers == 0 {
		workers = launch.Processors(group)
	}
	type share struct {
		count
		_ [64]byte // keeps the workers' sums in cache lines of their own
	}
	shares := make([]share, workers)
	if mean {
		for i := range shares {
			shares[i].Mean = augment.NewMeanImage(dataset.Meta().Size)
		}
	}
	var done atomic.Int64
	began := time.Now()
	line := command.NewLine(stderr)
	err := dataset.ScanRange(ctx, workers, first, end, func(worker, _, _ int, rgb []byte) error {
		s := &shares[worker]
		s.Sums.Add(rgb)
		if s.Mean != nil {
			s.Mean.Add(rgb)
		}
		n := done.Add(1)
		if worker == 0 { // only one goroutine writes the line
			rate := float64(n) / time.Since(began).Seconds()
			left := time.Duration(float64(end-first-int(n)) / rate * float64(time.Second))
			line.Update("%d of %s, %.0f images/s, %s left", n, printable.Count(end-first, "image"), rate, printable.Span(left))
		}
		return nil
	})
	if err := collective.Agree(group, err); err != nil {
		line.Clear()
		return augment.Sums{}, nil, err
	}
	took := time.Since(began)
	line.Print("decoded %s in %.1f s, %.0f images/s", printable.Count(dataset.Len(), "image"), took.Seconds(), float64(dataset.Len())/took.Seconds())
	total := shares[0].count
	for _, s := range shares[1:] {
		total.merge(&s.count)
	}
	if err := total.gather(group); err != nil {
		return augment.Sums{}, nil, err
	}
	return total.Sums, total.Mean, nil
}

// count is the sums over some pictures.
type count struct {
	Sums augment.Sums
	Mean *augment.MeanImage // nil if it isn't requested
}

func (c *count) merge(o *count) {
	c.Sums.Merge(o.Sums)
	if c.Mean != nil {
		c.Mean.Merge(o.Mean)
	}
}

// gather adds the other ranks' counts. They are integers, so the order of ranks doesn't
// change the result.
func (c *count) gather(group collective.Collective) error {
	if group.Size() == 1 {
		return nil
	}
	text, err := json.Marshal(c)
	if err != nil {
		return err
	}
	all, err := group.Gather(text)
	if err != nil {
		return err
	}
	for rank, text := range all {
		if rank == group.Rank() {
			continue
		}
		var o count
		if err := json.Unmarshal(text, &o); err != nil {
			return fmt.Errorf("the count of rank %d: %w", rank, err)
		}
		c.merge(&o)
	}
	return nil
}
