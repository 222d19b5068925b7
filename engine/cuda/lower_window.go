package cuda

import (
	"alexnet/engine"
	"alexnet/engine/cuda/internal/gpu"
	"alexnet/engine/cuda/internal/kernels"
)

func window(w engine.Window) kernels.Window {
	return kernels.Window{Size: int32(w.Size), Stride: int32(w.Stride), Pad: int32(w.Pad)}
}

func response(r engine.Response, groups int, x *engine.Tensor) kernels.Response {
	return kernels.Response{
		Maps: int32(x.Shape[1] / groups), Size: int32(r.Size),
		K: float32(r.K), Alpha: float32(r.AlphaPerTerm()), Beta: float32(r.Beta),
	}
}

func (c *Context) lowerLRNForward(op engine.LRNForward) step {
	x, r := op.X.Shape, response(op.Response, op.Groups, op.X)
	return step{run: func(s gpu.Stream) error {
		if op.Within {
			return c.kernels.LRNWithinForward(s, kernels.LRNWithinForward{
				X: c.address(op.X), Y: c.address(op.Y),
				N: int32(x[0]), H: int32(x[2]), W: int32(x[3]), C: int32(x[1]), Response: r,
			})
		}
		return c.kernels.LRNForward(s, kernels.LRNForward{
			X: c.address(op.X), Y: c.address(op.Y), Rows: int32(x[0] * x[2] * x[3]), C: int32(x[1]), Response: r,
		})
	}}
}

func (c *Context) lowerLRNBackward(op engine.LRNBackward) step {
	x, r := op.X.Shape, response(op.Response, op.Groups, op.X)
	if op.Within {
		return step{work: 4 * int64(x.Len()), run: func(s gpu.Stream) error {
			return c.kernels.LRNWithinBackward(s, kernels.LRNWithinBackward{
				X: c.address(op.X), DY: c.address(op.DY), DX: c.address(op.DX), Pull: c.work(),
				N: int32(x[0]), H: int32(x[2]), W: int32(x[3]), C: int32(x[1]), Response: r,
			})
		}}
	}
	return step{run: func(s gpu.Stream) error {
		return c.kernels.LRNBackward(s, kernels.LRNBackward{
			X: c.address(op.X), DY: c.address(op.DY), DX: c.address(op.DX),
			Rows: int32(x[0] * x[2] * x[3]), C: int32(x[1]), Response: r,
		})
	}}
}

func (c *Context) lowerMaxPoolForward(op engine.MaxPoolForward) step {
	x, y := op.X.Shape, op.Y.Shape
	return step{run: func(s gpu.Stream) error {
		p := kernels.MaxPoolForward{
			X: c.address(op.X), Y: c.address(op.Y), N: int32(x[0]), H: int32(x[2]), W: int32(x[3]), C: int32(x[1]),
			OutH: int32(y[2]), OutW: int32(y[3]), Window: window(op.Window),
		}
		if op.At != nil {
			p.At = c.address(op.At)
		}
		return c.kernels.MaxPoolForward(s, p)
	}}
}

func (c *Context) lowerMaxPoolBackward(op engine.MaxPoolBackward) step {
	x, y := op.DX.Shape, op.DY.Shape
	return step{run: func(s gpu.Stream) error {
		return c.kernels.MaxPoolBackward(s, kernels.MaxPoolBackward{
			At: c.address(op.At), DY: c.address(op.DY), DX: c.address(op.DX),
			N: int32(x[0]), H: int32(x[2]), W: int32(x[3]), C: int32(x[1]),
			OutH: int32(y[2]), OutW: int32(y[3]), Window: window(op.Window),
		})
	}}
}
