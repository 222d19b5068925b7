package kernels

import (
	"alexnet/engine"
	"alexnet/engine/cuda/internal/gpu"
)

// AvgPoolForward writes the mean over the pixels of each window of X (N, H, W, C)
// that lie in the image to Y (N, OutH, OutW, C).
type AvgPoolForward struct {
	X, Y       gpu.Pointer
	N, H, W, C int32
	OutH, OutW int32
	Window     Window
}

// AvgPoolForward enqueues the kernel.
func (k *Set) AvgPoolForward(s gpu.Stream, p AvgPoolForward) error {
	if err := p.Window.validate(p.H, p.W, p.OutH, p.OutW); err != nil {
		return err
	}
	name, vector := k.variant("avg_pool_forward", p.C)
	return launch(k, s, name, imageGrid(p.N, p.OutH*p.OutW, p.C/vector), &p)
}

func (k *Set) lowerAvgPoolForward(op engine.AvgPoolForward, m Memory) Lowered {
	x, y := op.X.Shape, op.Y.Shape
	return Lowered{Run: func(s gpu.Stream) error {
		return k.AvgPoolForward(s, AvgPoolForward{
			X: m.At(op.X), Y: m.At(op.Y), N: int32(x[0]), H: int32(x[2]), W: int32(x[3]), C: int32(x[1]),
			OutH: int32(y[2]), OutW: int32(y[3]), Window: windowOf(op.Window),
		})
	}}
}

// AvgPoolBackward writes all of DX (N, H, W, C): the sum over the windows that a
// pixel lies in of DY (N, OutH, OutW, C), each divided by its window's pixels in
// the image.
type AvgPoolBackward struct {
	DY, DX     gpu.Pointer
	N, H, W, C int32
	OutH, OutW int32
	Window     Window
}

// AvgPoolBackward enqueues the kernel.
func (k *Set) AvgPoolBackward(s gpu.Stream, p AvgPoolBackward) error {
	if err := p.Window.validate(p.H, p.W, p.OutH, p.OutW); err != nil {
		return err
	}
	name, vector := k.variant("avg_pool_backward", p.C)
	return launch(k, s, name, imageGrid(p.N, p.H*p.W, p.C/vector), &p)
}

func (k *Set) lowerAvgPoolBackward(op engine.AvgPoolBackward, m Memory) Lowered {
	x, y := op.DX.Shape, op.DY.Shape
	return Lowered{Run: func(s gpu.Stream) error {
		return k.AvgPoolBackward(s, AvgPoolBackward{
			DY: m.At(op.DY), DX: m.At(op.DX), N: int32(x[0]), H: int32(x[2]), W: int32(x[3]), C: int32(x[1]),
			OutH: int32(y[2]), OutW: int32(y[3]), Window: windowOf(op.Window),
		})
	}}
}
