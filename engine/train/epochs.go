package train

import (
	"math"

	"alexnet/engine"
	"alexnet/engine/feed"
	"alexnet/pipeline"
)

// epochs yields one epoch after the other from a single loader, which works ahead
// across epochs.
type epochs struct {
	dataset *pipeline.Dataset
	config  pipeline.LoaderConfig
	memory  feed.HostMemory // the batches' pixels
	loader  *pipeline.Loader
	at      int // next batch, counted from epoch 0
	pacer   pacer
}

// open implements engine.Trainer.Train.
func (e *epochs) open(epoch, first int) (engine.Feeder, error) {
	if e.loader == nil || e.at != epoch*e.loader.BatchesPerEpoch()+first {
		if err := e.Close(); err != nil {
			return nil, err
		}
		c := e.config
		c.StartEpoch, c.StartStep = epoch, first
		loader, err := e.memory.Load(e.dataset, c)
		if err != nil {
			return nil, err
		}
		e.loader, e.at = loader, epoch*loader.BatchesPerEpoch()+first
		e.pacer.mark(loader)
	}
	return feed.New(e.loader, &e.at, (epoch+1)*e.loader.BatchesPerEpoch(), nil), nil
}

// endless returns a feeder of all epochs from the first one on, which never ends.
func (e *epochs) endless() (engine.Feeder, error) {
	if _, err := e.open(0, 0); err != nil {
		return nil, err
	}
	return feed.New(e.loader, &e.at, math.MaxInt, nil), nil
}

// spent returns how the time since the last mark was spent. waiting is the part of it in
// which training waited for batches. mark begins the next interval.
func (e *epochs) spent(waiting float64, mark bool) Pace {
	p := e.pacer.measure(e.loader, waiting)
	if mark {
		e.pacer.mark(e.loader)
	}
	return p
}

// leftOut returns the pictures that the current loader could not read.
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
	e.memory.Return()
	return err
}
