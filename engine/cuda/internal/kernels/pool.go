package kernels

import (
	"fmt"

	"alexnet/engine"
	"alexnet/engine/cuda/internal/gpu"
)

// Window is the geometry of a pooling window (engine.Window). The kernels get the
// number of windows separately, so that the last one may reach beyond the padding.
type Window struct {
	Size, Stride, Pad int32
}

// validate returns an error for windows that do not give this output.
func (w Window) validate(h, wide, outH, outW int32) error {
	if w.Size < 1 || w.Stride < 1 || w.Pad < 0 || w.Pad >= w.Size ||
		!w.covers(h, outH) || !w.covers(wide, outW) {
		return fmt.Errorf("pooling %d×%d to %d×%d by windows of %d, stride %d, padding %d",
			h, wide, outH, outW, w.Size, w.Stride, w.Pad)
	}
	return nil
}

// covers reports whether out windows fit an axis of n pixels, rounded up or down: the
// last one begins inside, and no further one would be whole.
func (w Window) covers(n, out int32) bool {
	return out >= 1 && (out-1)*w.Stride-w.Pad < n && n+2*w.Pad-w.Size < out*w.Stride
}

func windowOf(w engine.Window) Window {
	return Window{Size: int32(w.Size), Stride: int32(w.Stride), Pad: int32(w.Pad)}
}

// MaxPoolForward takes the maximum of each window of X (N, H, W, C) into Y
// (N, OutH, OutW, C), and where it is, row·Size + column, into At, bytes like Y;
// At may be 0. The first among equals wins, NaN over every number, padding never.
type MaxPoolForward struct {
	X, Y, At   gpu.Pointer
	N, H, W, C int32
	OutH, OutW int32
	Window     Window
}

// MaxPoolForward enqueues the kernel.
func (k *Set) MaxPoolForward(s gpu.Stream, p MaxPoolForward) error {
	if err := p.Window.validate(p.H, p.W, p.OutH, p.OutW); err != nil {
		return err
	}
	name, vector := k.variant("max_pool_forward", p.C)
	return launch(k, s, name, imageGrid(p.N, p.OutH*p.OutW, p.C/vector), &p)
}

func (k *Set) lowerMaxPoolForward(op engine.MaxPoolForward, m Memory) Lowered {
	x, y := op.X.Shape, op.Y.Shape
	return Lowered{Run: func(s gpu.Stream) error {
		return k.MaxPoolForward(s, MaxPoolForward{
			X: m.At(op.X), Y: m.At(op.Y), At: m.At(op.At), N: int32(x[0]), H: int32(x[2]), W: int32(x[3]), C: int32(x[1]),
			OutH: int32(y[2]), OutW: int32(y[3]), Window: windowOf(op.Window),
		})
	}}
}

// MaxPoolBackward writes all of DX (N, H, W, C): the sum of DY (N, OutH, OutW,
// C) over the windows whose At names the position.
type MaxPoolBackward struct {
	At, DY, DX gpu.Pointer
	N, H, W, C int32
	OutH, OutW int32
	Window     Window
}

// MaxPoolBackward enqueues the kernel.
func (k *Set) MaxPoolBackward(s gpu.Stream, p MaxPoolBackward) error {
	if err := p.Window.validate(p.H, p.W, p.OutH, p.OutW); err != nil {
		return err
	}
	name, vector := k.variant("max_pool_backward", p.C)
	return launch(k, s, name, imageGrid(p.N, p.H*p.W, p.C/vector), &p)
}

func (k *Set) lowerMaxPoolBackward(op engine.MaxPoolBackward, m Memory) Lowered {
	x, y := op.DX.Shape, op.DY.Shape
	return Lowered{Run: func(s gpu.Stream) error {
		return k.MaxPoolBackward(s, MaxPoolBackward{
			At: m.At(op.At), DY: m.At(op.DY), DX: m.At(op.DX), N: int32(x[0]), H: int32(x[2]), W: int32(x[3]), C: int32(x[1]),
			OutH: int32(y[2]), OutW: int32(y[3]), Window: windowOf(op.Window),
		})
	}}
}
