package kernels

import (
	"fmt"

	"alexnet/engine/cuda/internal/gpu"
)

// Concat copies one part of engine.Concat: X (Rows, C) into channels First… of Y
// (Rows, YChannels), T both.
type Concat struct {
	X, Y                      gpu.Pointer
	Rows, C, YChannels, First int32
}

// Concat enqueues the kernel.
func (k *Set) Concat(s gpu.Stream, p Concat) error {
	if p.First < 0 || p.First+p.C > p.YChannels {
		return fmt.Errorf("concat: channels %d to %d of %d", p.First, p.First+p.C, p.YChannels)
	}
	name, vector := k.variant("concat", p.C, p.YChannels, p.First)
	return launch(k, s, name, rowGrid(p.Rows, p.C/vector), &p)
}

// MaxParts is the most parts that SumSlices adds.
const MaxParts = 8

// SumSlices is Y[row,c] = T(Σ Parts[i][row,First+c]) (engine.SumSlices) over the
// first Count parts, T (Rows, PartChannels), in their order. Y is (Rows, C). With
// one part it copies a slice.
type SumSlices struct {
	Parts                        [MaxParts]gpu.Pointer
	Y                            gpu.Pointer
	Count                        int32
	Rows, C, PartChannels, First int32
}

// SumSlices enqueues the kernel.
func (k *Set) SumSlices(s gpu.Stream, p SumSlices) error {
	if p.Count < 1 || p.Count > MaxParts || p.First < 0 || p.First+p.C > p.PartChannels {
		return fmt.Errorf("sum slices: %d parts, channels %d to %d of %d", p.Count, p.First, p.First+p.C, p.PartChannels)
	}
	name, vector := k.variant("sum_slices", p.C, p.PartChannels, p.First)
	return launch(k, s, name, rowGrid(p.Rows, p.C/vector), &p)
}
