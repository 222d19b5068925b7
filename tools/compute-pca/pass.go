package main

import (
	"context"
	"io"
	"runtime"
	"sync/atomic"
	"time"

	"alexnet/augment"
	"alexnet/pipeline"
	"alexnet/tools/internal/command"
)

// pass decodes every picture once and counts its pixels, and with mean also
// their sums at each place. Progress goes to stderr: rewritten in place on a
// terminal, else a line at the end.
func pass(ctx context.Context, dataset *pipeline.Dataset, workers int, mean bool, stderr io.Writer) (augment.Sums, *augment.MeanImage, error) {
	if workers == 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	type share struct {
		sums augment.Sums
		mean *augment.MeanImage
		_    [64]byte // keeps the workers' sums in cache lines of their own
	}
	shares := make([]share, workers)
	if mean {
		for i := range shares {
			shares[i].mean = augment.NewMeanImage(dataset.Meta().Size)
		}
	}
	var done atomic.Int64
	began := time.Now()
	line := command.NewLine(stderr)
	err := dataset.Scan(ctx, workers, func(worker, _, _ int, rgb []byte) error {
		s := &shares[worker]
		s.sums.Add(rgb)
		if s.mean != nil {
			s.mean.Add(rgb)
		}
		n := done.Add(1)
		if worker == 0 { // a line has one writer
			rate := float64(n) / time.Since(began).Seconds()
			left := time.Duration(float64(dataset.Len()-int(n)) / rate * float64(time.Second))
			line.Update("%d of %d images, %.0f images/s, %s left", n, dataset.Len(), rate, command.Span(left))
		}
		return nil
	})
	if err != nil {
		line.Clear()
		return augment.Sums{}, nil, err
	}
	took := time.Since(began)
	line.Print("decoded %d images in %.1f s, %.0f images/s", dataset.Len(), took.Seconds(), float64(dataset.Len())/took.Seconds())
	total := shares[0]
	for _, s := range shares[1:] {
		total.sums.Merge(s.sums)
		if mean {
			total.mean.Merge(s.mean)
		}
	}
	return total.sums, total.mean, nil
}
