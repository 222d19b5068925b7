package main

import (
	"context"
	"io"

	"alexnet/engine"
	"alexnet/pipeline"
)

// feeder hands a loader's batches to the engine, up to a given number.
type feeder struct {
	loader *pipeline.Loader
	at     *int              // next batch
	end    int               // batch to stop before
	held   []*pipeline.Batch // the last two: one may still be on its way to the devices
	close  func() error
}

// Next releases the batch before the previous one and waits for the next.
func (f *feeder) Next(ctx context.Context) (engine.Batch, error) {
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

// samples are the numbers of the pictures in the last batch.
func (f *feeder) samples() []int {
	last := f.held[len(f.held)-1]
	return last.Samples[:last.Images]
}

// release gives back all batches but the last so many.
func (f *feeder) release(keep int) {
	for len(f.held) > keep {
		f.held[0].Release()
		f.held = f.held[1:]
	}
}

// Close gives back the batches and closes what the feeder owns.
func (f *feeder) Close() error {
	f.release(0)
	if f.close != nil {
		return f.close()
	}
	return nil
}

// epochs feeds one epoch after the other from a single loader, which works
// ahead across their borders.
type epochs struct {
	dataset *pipeline.Dataset
	config  pipeline.LoaderConfig
	memory  lent // the batches' pixels
	loader  *pipeline.Loader
	at      int // next batch, counted from epoch 0
	pacer   pacer
}

// open is engine.Trainer's Train.
func (e *epochs) open(epoch, first int) (engine.Feeder, error) {
	if e.loader == nil || e.at != epoch*e.loader.BatchesPerEpoch()+first {
		if err := e.Close(); err != nil {
			return nil, err
		}
		c := e.config
		c.StartEpoch, c.StartStep = epoch, first
		loader, err := e.memory.load(e.dataset, c)
		if err != nil {
			return nil, err
		}
		e.loader, e.at = loader, epoch*loader.BatchesPerEpoch()+first
		e.pacer.mark(loader)
	}
	return &feeder{loader: e.loader, at: &e.at, end: (epoch + 1) * e.loader.BatchesPerEpoch()}, nil
}

// spent says what the time since the last mark was spent on, when training waited
// for batches for the given part of it. mark begins the next stretch.
func (e *epochs) spent(waiting float64, mark bool) pace {
	p := e.pacer.measure(e.loader, waiting)
	if mark {
		e.pacer.mark(e.loader)
	}
	return p
}

// leftOut are the pictures that the present loader could not read.
func (e *epochs) leftOut() []pipeline.BadSample {
	if e.loader == nil {
		return nil
	}
	return e.loader.Bad()
}

// Close stops the loader.
func (e *epochs) Close() error {
	if e.loader == nil {
		return nil
	}
	err := e.loader.Close()
	e.loader = nil
	e.memory.giveBack()
	return err
}

// onePass feeds a data set to m once, in its stored order, for evaluation.
func onePass(m *engine.Model, d *pipeline.Dataset, c pipeline.LoaderConfig) (*feeder, error) {
	c.Epochs = 1
	memory := lent{model: m}
	loader, err := memory.load(d, c)
	if err != nil {
		return nil, err
	}
	return &feeder{loader: loader, at: new(int), end: loader.BatchesPerEpoch(), close: func() error {
		defer memory.giveBack()
		return loader.Close()
	}}, nil
}
