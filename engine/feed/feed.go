// Package feed passes the batches of a pipeline.Loader to the engine. The loader
// decodes pixels into the model's host memory, and gets a batch back when no step
// reads it any more. Training, evaluation and reports share it.
package feed

import (
	"context"
	"io"

	"alexnet/engine"
	"alexnet/pipeline"
)

// Feeder is an engine.Feeder that takes batches from a loader, up to a given number.
type Feeder struct {
	loader *pipeline.Loader
	at     *int              // next batch
	end    int               // batch to stop before
	held   []*pipeline.Batch // the last two: one may still be copied to the devices
	close  func() error
}

// New makes a feeder that stops before batch end. It counts in *at, which several
// feeders of one loader share. close, if not nil, closes the feeder's own resources.
func New(loader *pipeline.Loader, at *int, end int, close func() error) *Feeder {
	return &Feeder{loader: loader, at: at, end: end, close: close}
}

// OnePass yields a data set to m once, in its stored order, for evaluation. Closing
// the feeder closes its loader.
func OnePass(m *engine.Model, d *pipeline.Dataset, c pipeline.LoaderConfig) (*Feeder, error) {
	c.Epochs = 1
	memory := HostMemory{Model: m}
	loader, err := memory.Load(d, c)
	if err != nil {
		return nil, err
	}
	return New(loader, new(int), loader.BatchesPerEpoch(), func() error {
		defer memory.Return()
		return loader.Close()
	}), nil
}

// Next releases the batch before the previous one and waits for the next.
func (f *Feeder) Next(ctx context.Context) (engine.Batch, error) {
	f.release(1)
	if *f.at >= f.end {
		return engine.Batch{}, io.EOF
	}
	b, err := f.loader.Next(ctx)
	if err != nil {
		return engine.Batch{}, err
	}
	f.held = append(f.held, b)
	*f.at++
	if b.Images == 0 { // this rank's share of the last, incomplete batch
		return engine.Batch{}, io.EOF
	}
	return engine.Batch{Images: b.Images, Pixels: b.Pixels, Colour: b.Colour, Labels: b.Labels}, nil
}

// Samples returns the numbers of the pictures in the last batch.
func (f *Feeder) Samples() []int {
	last := f.held[len(f.held)-1]
	return last.Samples[:last.Images]
}

// release returns all batches except the last keep to the loader.
func (f *Feeder) release(keep int) {
	for len(f.held) > keep {
		f.held[0].Release()
		f.held = f.held[1:]
	}
}

// Close returns the batches to the loader and closes the feeder's own resources.
func (f *Feeder) Close() error {
	f.release(0)
	if f.close != nil {
		return f.close()
	}
	return nil
}
