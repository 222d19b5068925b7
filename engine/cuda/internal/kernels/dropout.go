package kernels

import (
	"alexnet/engine"
	"alexnet/engine/cuda/internal/gpu"
)

// Dropout multiplies by a random mask (engine.Dropout). Units of X (N, HW, C) are
// counted in the host's order, j = c·HW + hw. Unit j of image n is kept if
// engine.DropoutKeeps(key, (Image + n)·Width + First + j, Rate), with the key from
// Layer, and Image, from the StepParams at Step. Y may be X.
type Dropout struct {
	X, Y, Step      gpu.Pointer
	Layer           uint64
	Width, First    int64
	N, HW, C        int32
	Rate            float32
	Train, Inverted int32 // 0 or 1
}

// Dropout enqueues the kernel.
func (k *Set) Dropout(s gpu.Stream, p Dropout) error {
	name, vector := k.variant("dropout", p.C)
	return launch(k, s, name, imageGrid(p.N, p.HW, p.C/vector), &p)
}

func (k *Set) lowerDropout(op engine.Dropout, m Memory) Lowered {
	x := op.X.Shape
	return Lowered{Stepped: true, AllRanks: op.AllRanks, Run: func(s gpu.Stream) error {
		return k.Dropout(s, Dropout{
			X: m.At(op.X), Y: m.At(op.Y), Step: m.Step(op.AllRanks), Layer: op.Layer, Width: int64(op.Width), First: int64(op.First),
			N: int32(x[0]), HW: int32(x[2] * x[3]), C: int32(x[1]), Rate: op.Rate, Train: Flag(op.Train), Inverted: Flag(op.Inverted),
		})
	}}
}
