package cuda

import (
	"alexnet/engine"
	"alexnet/engine/cuda/internal/gpu"
	"alexnet/engine/cuda/internal/kernels"
)

func (c *Context) lowerInput(op engine.Input) step {
	y := op.Y.Shape
	return step{run: func(s gpu.Stream) error {
		return c.kernels.Input(s, kernels.Input{
			Pixels: c.address(op.Pixels), Colour: c.address(op.Colour), Mean: c.address(op.Mean), Y: c.address(op.Y),
			N: int32(y[0]), H: int32(y[2]), W: int32(y[3]), Scale: op.Scale,
		})
	}}
}
