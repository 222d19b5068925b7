package cuda

import (
	"alexnet/engine"
	"alexnet/engine/cuda/internal/gpu"
	"alexnet/engine/cuda/internal/kernels"
)

func (c *Context) lowerAvgPoolForward(op engine.AvgPoolForward) step {
	x, y := op.X.Shape, op.Y.Shape
	return step{run: func(s gpu.Stream) error {
		return c.kernels.AvgPoolForward(s, kernels.AvgPoolForward{
			X: c.address(op.X), Y: c.address(op.Y), N: int32(x[0]), H: int32(x[2]), W: int32(x[3]), C: int32(x[1]),
			OutH: int32(y[2]), OutW: int32(y[3]), Window: window(op.Window),
		})
	}}
}

func (c *Context) lowerAvgPoolBackward(op engine.AvgPoolBackward) step {
	x, y := op.DX.Shape, op.DY.Shape
	return step{run: func(s gpu.Stream) error {
		return c.kernels.AvgPoolBackward(s, kernels.AvgPoolBackward{
			DY: c.address(op.DY), DX: c.address(op.DX), N: int32(x[0]), H: int32(x[2]), W: int32(x[3]), C: int32(x[1]),
			OutH: int32(y[2]), OutW: int32(y[3]), Window: window(op.Window),
		})
	}}
}
