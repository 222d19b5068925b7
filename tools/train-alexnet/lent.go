package main

import (
	"alexnet/engine"
	"alexnet/pipeline"
)

// loaderBatches is how many batches a loader has in memory: two that steps under
// way may read, and two that are being filled.
const loaderBatches = 4

// lent is a model's host memory while a loader fills it with pixels: on a GPU it
// is page-locked, so that batches are copied from where they were decoded to. What
// one loader gives back the next one gets, so that a validation after every epoch
// takes no more memory than one.
type lent struct {
	model *engine.Model
	bytes [][]byte
}

// load starts a loader whose batches lie in the model's memory. giveBack follows
// the loader's Close.
func (l *lent) load(d *pipeline.Dataset, c pipeline.LoaderConfig) (*pipeline.Loader, error) {
	c.Prefetch = loaderBatches
	c.Allocate = func(n int) ([]byte, error) {
		b, err := l.model.AllocateHost(n)
		if err == nil {
			l.bytes = append(l.bytes, b)
		}
		return b, err
	}
	loader, err := pipeline.NewLoader(d, c)
	if err != nil {
		l.giveBack()
	}
	return loader, err
}

// giveBack returns the memory to the model. No step reads it any more.
func (l *lent) giveBack() {
	for _, b := range l.bytes {
		l.model.ReturnHost(b)
	}
	l.bytes = nil
}
