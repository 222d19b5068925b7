package bench

import (
	"context"
	"math"
	"time"

	"alexnet/engine"
	"alexnet/engine/feed"
	"alexnet/internal/printable"
	"alexnet/internal/setting"
	"alexnet/pipeline"
)

// loaderRate times one pass, at most five seconds, over a folder of shards.
func loaderRate(ctx context.Context, f *measurement) (float64, error) {
	ds, err := f.Access.Open(ctx, f.Data, nil)
	if err != nil {
		return 0, err
	}
	defer ds.Close()
	loader, err := pipeline.NewLoader(ds, pipeline.LoaderConfig{Batch: min(f.Batch, ds.Len()), Workers: f.Workers, Seed: 1, Crop: f.net.Input.Size, Train: true, Augment: f.Recipe})
	if err != nil {
		return 0, err
	}
	defer loader.Close()
	const longest = 5 * time.Second
	images := 0
	var began time.Time
	for {
		b, err := loader.Next(ctx)
		if err != nil {
			return 0, err
		}
		if began.IsZero() { // the first batch warms up
			began = time.Now()
		} else {
			images += b.Images
		}
		last := b.Epoch > 0 && images > 0
		b.Release()
		if elapsed := time.Since(began); images > 0 && (last || elapsed > longest) {
			return float64(images) / elapsed.Seconds(), nil
		}
	}
}

// dataTurns is the number of turns that training from data and from memory take.
const dataTurns = 3

// fromData times training from a loader beside training from memory, in turns, so
// that both see the same machine. It times whole series of steps, with every wait for
// a batch.
func (r *Result) fromData(ctx context.Context, f *measurement, m *engine.Model, memory engine.Batch) (err error) {
	ds, err := f.Access.Open(ctx, f.Data, nil)
	if err != nil {
		return err
	}
	defer ds.Close()
	if classes := len(ds.Meta().Classes); classes > m.Net.Classes {
		return setting.Errorf("%s has %d classes and the net %d: give %s", f.Data, classes, m.Net.Classes, setting.Suggest("classes", classes))
	}
	if ds.Len() < f.Batch {
		return setting.Errorf("%s has %s: give a %s of at most as many", f.Data, printable.Count(ds.Len(), "picture"), setting.Name("batch"))
	}
	host := feed.HostMemory{Model: m}
	loader, err := host.Load(ds, pipeline.LoaderConfig{Batch: f.Batch, Workers: f.Workers, Seed: 1, Crop: m.Net.Input.Size, Train: true, Augment: f.Recipe})
	if err != nil {
		return err
	}
	data := feed.New(loader, new(int), math.MaxInt, func() error {
		defer host.Return()
		return loader.Close()
	})
	defer data.Close()
	again := func(context.Context) (engine.Batch, error) { return memory, nil }

	if _, err := stretch(ctx, m, feed.LoaderBatches, data.Next); err != nil { // the loader's ready batches
		return err
	}
	var fed, still time.Duration
	for range dataTurns {
		d, err := stretch(ctx, m, f.Steps, data.Next)
		if err != nil {
			return err
		}
		s, err := stretch(ctx, m, f.Steps, again)
		if err != nil {
			return err
		}
		fed, still = fed+d, still+s
		// The loader has worked ahead during the other's turn.
		if _, err := stretch(ctx, m, feed.LoaderBatches, data.Next); err != nil {
			return err
		}
	}
	images := float64(dataTurns * f.Steps * f.Batch)
	r.FromData, r.FromMemory = images/fed.Seconds(), images/still.Seconds()
	return nil
}

// stretch trains some steps, always with one started ahead. It returns the time from the
// request for the first batch to the end of the last step.
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
