package cuda

import (
	"alexnet/engine"
	"alexnet/engine/cuda/internal/gpu"
	"alexnet/engine/cuda/internal/kernels"
)

func (c *Context) lowerActivate(op engine.Activate) step {
	return step{run: func(s gpu.Stream) error {
		return c.kernels.Activate(s, kernels.Activate{
			X: c.address(op.X), Y: c.address(op.Y), Count: int64(op.X.Shape.Len()), Function: function(op.Function),
		})
	}}
}

func (c *Context) lowerActivateBackward(op engine.ActivateBackward) step {
	return step{run: func(s gpu.Stream) error {
		return c.kernels.ActivateBackward(s, kernels.ActivateBackward{
			Y: c.address(op.Y), DY: c.address(op.DY), DX: c.address(op.DX), Count: int64(op.Y.Shape.Len()), Function: function(op.Function),
		})
	}}
}

func function(f engine.Function) kernels.Function {
	return [...]kernels.Function{engine.ReLU: kernels.ReLU, engine.Tanh: kernels.Tanh}[f]
}

func (c *Context) lowerDropout(op engine.Dropout) step {
	x, numbers := op.X.Shape, c.params
	if op.AllRanks {
		numbers = c.params.Add(allRanksParams)
	}
	return step{stepped: true, allRanks: op.AllRanks, run: func(s gpu.Stream) error {
		return c.kernels.Dropout(s, kernels.Dropout{
			X: c.address(op.X), Y: c.address(op.Y), Step: numbers,
			Layer: op.Layer, Width: int64(op.Width), First: int64(op.First),
			N: int32(x[0]), HW: int32(x[2] * x[3]), C: int32(x[1]),
			Rate: op.Rate, Train: flag(op.Train), Inverted: flag(op.Inverted),
		})
	}}
}
