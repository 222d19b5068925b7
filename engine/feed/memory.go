package feed

import (
	"alexnet/engine"
	"alexnet/pipeline"
)

// LoaderBatches is the number of batches that a loader has in memory: two that steps
// under way may read, and two that are being filled.
const LoaderBatches = 4

// HostMemory is a model's host memory that a loader fills with pixels. For a GPU it
// is pinned (page-locked), so that batches are copied directly from where they were
// decoded. The next loader gets the memory that one loader returns, so that a
// validation after every epoch takes no more memory than one.
type HostMemory struct {
	Model *engine.Model
	bytes [][]byte
}

// Load starts a loader with batches in the model's memory. The caller calls Return
// after the loader's Close.
func (h *HostMemory) Load(d *pipeline.Dataset, c pipeline.LoaderConfig) (*pipeline.Loader, error) {
	c.Prefetch = LoaderBatches
	c.Allocate = func(n int) ([]byte, error) {
		b, err := h.Model.AllocateHost(n)
		if err == nil {
			h.bytes = append(h.bytes, b)
		}
		return b, err
	}
	loader, err := pipeline.NewLoader(d, c)
	if err != nil {
		h.Return()
	}
	return loader, err
}

// Return returns the memory to the model. No step may read it any more.
func (h *HostMemory) Return() {
	for _, b := range h.bytes {
		h.Model.ReturnHost(b)
	}
	h.bytes = nil
}
