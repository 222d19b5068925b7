package main

import (
	"context"
	"fmt"
	"math"
	"time"

	"alexnet/engine"
	"alexnet/engine/feed"
	"alexnet/pipeline"
)

// dataTurns is how often training from data and from memory take turns.
const dataTurns = 3

// fromData times training from a loader beside training from memory, in turns, so
// that both see the same machine. What is timed are whole stretches of steps, with
// every wait for a batch in them.
func (r *benchResult) fromData(ctx context.Context, f *benchConfig, m *engine.Model, memory engine.Batch) (err error) {
	ds, err := f.access.Open(ctx, f.data, nil)
	if err != nil {
		return err
	}
	defer ds.Close()
	if classes := len(ds.Meta().Classes); classes > m.Net.Classes {
		return fmt.Errorf("%s has %d classes and the net %d: give --classes %d", f.data, classes, m.Net.Classes, classes)
	}
	if ds.Len() < f.batch {
		return fmt.Errorf("%s has %d pictures: give a --batch of at most as many", f.data, ds.Len())
	}
	host := feed.HostMemory{Model: m}
	loader, err := host.Load(ds, pipeline.LoaderConfig{Batch: f.batch, Workers: f.workers, Seed: 1, Crop: m.Net.Input.Size, Train: true, Augment: f.recipe})
	if err != nil {
		return err
	}
	data := feed.New(loader, new(int), math.MaxInt, func() error {
		defer host.Return()
		return loader.Close()
	})
	defer data.Close()
	again := func(context.Context) (engine.Batch, error) { return memory, nil }

	if _, err := stretch(ctx, m, feed.LoaderBatches, data.Next); err != nil { // what the loader had ready
		return err
	}
	var fed, still time.Duration
	for range dataTurns {
		d, err := stretch(ctx, m, f.steps, data.Next)
		if err != nil {
			return err
		}
		s, err := stretch(ctx, m, f.steps, again)
		if err != nil {
			return err
		}
		fed, still = fed+d, still+s
		// The loader has worked ahead while the other had its turn.
		if _, err := stretch(ctx, m, feed.LoaderBatches, data.Next); err != nil {
			return err
		}
	}
	images := float64(dataTurns * f.steps * f.batch)
	r.FromData, r.FromMemory = images/fed.Seconds(), images/still.Seconds()
	return nil
}

// stretch trains some steps, one started ahead of the last that is finished, and
// returns what they took from the first batch asked for to the last step's end.
func stretch(ctx context.Context, m *engine.Model, steps int, next func(context.Context) (engine.Batch, error)) (time.Duration, error) {
	began := time.Now()
	for i := range steps {
		b, err := next(ctx)
		if err != nil {
			return 0, err
		}
		if err := m.Start(b, engine.Step{Seed: 1, Number: uint64(i), LearningRate: 1e-4, Momentum: .9}); err != nil {
			return 0, err
		}
		if i == 0 {
			continue
		}
		if _, err := m.Finish(); err != nil {
			return 0, err
		}
	}
	_, err := m.Finish()
	return time.Since(began), err
}
