package cuda

import (
	"errors"

	"alexnet/engine"
	"alexnet/engine/cuda/internal/gpu"
	"alexnet/engine/cuda/internal/kernels"
)

// localOf returns the geometry of a locally connected layer of x into y.
func localOf(w engine.Window, groups int, x, y engine.Shape) kernels.Local {
	return kernels.Local{
		N: int32(x[0]), H: int32(x[2]), W: int32(x[3]), OutH: int32(y[2]), OutW: int32(y[3]),
		Groups: int32(groups), In: int32(x[1] / groups), Out: int32(y[1] / groups), Window: window(w),
	}
}

func (c *Context) lowerLocalForward(op engine.LocalForward) step {
	return step{run: func(s gpu.Stream) error {
		p := localOf(op.Window, op.Groups, op.X.Shape, op.Y.Shape)
		p.X, p.Weights, p.Bias, p.Y = c.address(op.X), c.operand(op.W), c.address(op.B), c.address(op.Y)
		return c.kernels.LocalForward(s, p)
	}}
}

func (c *Context) lowerLocalBackward(op engine.LocalBackward) step {
	return step{run: func(s gpu.Stream) error {
		p := localOf(op.Window, op.Groups, op.X.Shape, op.DY.Shape)
		p.X, p.Weights, p.Bias, p.Y = c.address(op.X), c.address(op.DW), c.address(op.DB), c.address(op.DY)
		err := c.kernels.LocalWeights(s, p)
		if op.DX == nil {
			return err
		}
		p.X, p.Weights, p.Bias = c.address(op.DX), c.operand(op.W), 0
		return errors.Join(err, c.kernels.LocalData(s, p))
	}}
}
