package cpu

import (
	"slices"

	"alexnet/engine"
)

// constant is a layer's packed weights, transformed for Winograd's filtering, that an
// inferring program keeps in the workspace. The first run makes it, and so does a run
// after the weights have changed or another program has used the workspace.
type constant struct {
	weights *engine.Tensor
	floats  int
	at      int    // position of its first float in the shared workspace, set by Compile
	version uint64 // version of the weights that it was made from; 0 for none
}

// constantWeights reports whether ops do not change the weights w and are not part of
// training, which changes them after every run.
func constantWeights(ops []engine.Op, w *engine.Tensor) bool {
	return !slices.ContainsFunc(ops, func(op engine.Op) bool {
		switch op.(type) {
		case engine.ConvBackward, engine.DenseBackward:
			return true
		}
		return slices.Contains(op.Writes(), w)
	})
}

// of returns the constant's memory. For nil it returns the start of the shared
// workspace, for data that every run makes again.
func (k *constant) of(c *Context) []float32 {
	if k == nil {
		return c.shared
	}
	return c.shared[k.at:]
}

// keep makes the stages that fill k run only if needed. k is nil for data that every run
// makes.
func (c *Context) keep(k *constant, stages ...stage) []stage {
	if k == nil {
		return stages
	}
	var kept []stage
	for _, s := range stages {
		kept = append(kept, stage{s.parts, func(w *worker, part int) {
			if k.version != c.versions[k.weights] {
				s.run(w, part)
			}
		}})
	}
	return append(kept, stage{1, func(*worker, int) { k.version = c.versions[k.weights] }})
}

// changed records that a tensor has new contents. Only the queue's goroutine calls it,
// while no stage runs.
func (c *Context) changed(t *engine.Tensor) {
	if t.Type == engine.Master {
		c.versions[t]++
	}
}

// enter makes p the program with constants in the workspace.
func (p *program) enter() {
	if p.c.lastProgram == p || p.workspace == 0 {
		return
	}
	p.c.lastProgram = p
	for _, k := range p.constants {
		k.version = 0
	}
}
