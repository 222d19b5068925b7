package pipeline

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
)

// scanRun is the number of neighbouring samples that a worker of Scan takes at a time, so
// that each worker reads along its shard.
const scanRun = 32

// Scan decodes every sample once and calls visit with its label and its pixels,
// size×size×3 bytes of RGB that are valid until visit returns. Workers goroutines (0:
// GOMAXPROCS) call visit at the same time, each with its own number from 0 and with
// sample numbers that ascend. Scan ends at the first error of reading or of visit, or
// with ctx's error, and returns the error when all workers have ended.
func (d *Dataset) Scan(ctx context.Context, workers int, visit func(worker, sample, label int, rgb []byte) error) error {
	return d.ScanRange(ctx, workers, 0, d.Len(), visit)
}

// ScanRange does the same as Scan, but only for samples first to end−1.
func (d *Dataset) ScanRange(ctx context.Context, workers, first, end int, visit func(worker, sample, label int, rgb []byte) error) error {
	if workers == 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	workers = min(workers, MostWorkers)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next atomic.Int64
	next.Store(int64(first))
	var group, ahead sync.WaitGroup
	defer ahead.Wait()
	var fetch *prefetcher
	if d.remote != nil {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		fetch = &prefetcher{
			dataset: d,
			sample:  func(at int) int { return first + at },
			taken:   func() int { return min(int(next.Load()), end) - first },
			end:     end - first,
			busy:    workers * scanRun,
			reach:   d.Len(),
		}
		fetch.start(ctx, &ahead)
	}
	for worker := range workers {
		group.Go(func() {
			decoder := d.codec.NewDecoder(d.meta.Size)
			rgb := make([]byte, d.meta.Size*d.meta.Size*3)
			for {
				begin := int(next.Add(scanRun)) - scanRun
				fetch.advanced()
				for i := begin; i < min(begin+scanRun, end) && ctx.Err() == nil; i++ {
					label, err := d.pixels(ctx, decoder, i, rgb)
					if err == nil {
						err = visit(worker, i, label, rgb)
					}
					if err != nil {
						cancel(err)
					}
				}
				if begin >= end || ctx.Err() != nil {
					return
				}
			}
		})
	}
	group.Wait()
	return context.Cause(ctx)
}
