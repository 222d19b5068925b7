package cuda

import (
	"errors"

	"alexnet/engine"
	"alexnet/engine/cuda/internal/gpu"
)

// lowerDenseForward is Y (N×O) = X (N×I) · Wᵀ + B. X and the weights have their
// channels last, so that both are plain matrices.
func (c *Context) lowerDenseForward(op engine.DenseForward) (step, error) {
	x := op.X.Shape
	q := c.productOf(x[0], op.Y.Shape[1], x.Row(), c.working)
	q.TransposeB = true
	plan, biasType, fused, err := c.biasedProduct(q)
	if err != nil {
		return step{}, err
	}
	return step{work: plan.Workspace(), run: func(s gpu.Stream) error {
		var bias gpu.Pointer
		if fused {
			bias = c.bias(op.B, biasType)
		}
		if err := plan.Run(s, c.address(op.X), c.operand(op.W), bias, c.address(op.Y), c.work()); err != nil || fused {
			return err
		}
		return c.biasActivate(s, op.B, op.Y, false)
	}}, nil
}

func (c *Context) productOf(m, n, k int, output gpu.Type) gpu.Product {
	return gpu.Product{
		M: m, N: n, K: k, Input: c.working, Output: output, BiasType: gpu.Float32,
		Math: c.options.Precision.math(), Deterministic: c.options.Deterministic,
	}
}

// biasedProduct finds a plan that adds the bias too; fused is false if the library
// has none.
func (c *Context) biasedProduct(q gpu.Product) (p gpu.ProductPlan, biasType gpu.Type, fused bool, err error) {
	q.Bias = true
	for _, q.BiasType = range c.biasTypes() {
		p, err = c.product(q)
		if err == nil || !errors.Is(err, gpu.ErrUnsupported) {
			return p, q.BiasType, err == nil, err
		}
	}
	q.Bias, q.BiasType = false, gpu.Float32
	p, err = c.product(q)
	return p, gpu.Float32, false, err
}

// lowerDenseBackward computes DW (O×I) = DYᵀ·X, DB (the sums of DY over images) and
// DX (N×I) = DY·W. relu is nil, or the op before, whose result is DY.
func (c *Context) lowerDenseBackward(op engine.DenseBackward, relu *engine.ActivateBackward) (step, error) {
	x := op.X.Shape
	images, inputs, units := x[0], x.Row(), op.DY.Shape[1]
	q := c.productOf(units, inputs, images, gpu.Float32)
	q.TransposeA = true
	weights, err := c.product(q)
	if err != nil {
		return step{}, err
	}
	bias := c.biasGradient(op.DY, op.DB, relu)
	work := max(weights.Workspace(), bias.work)
	var data gpu.ProductPlan
	if op.DX != nil {
		if data, err = c.product(c.productOf(images, inputs, units, c.working)); err != nil {
			return step{}, err
		}
		work = max(work, data.Workspace())
	}
	return step{work: work, run: func(s gpu.Stream) error {
		if err := bias.run(s); err != nil {
			return err
		}
		dy := c.address(op.DY)
		if err := weights.Run(s, dy, c.address(op.X), 0, c.address(op.DW), c.work()); err != nil || data == nil {
			return err
		}
		return data.Run(s, dy, c.operand(op.W), 0, c.address(op.DX), c.work())
	}}, nil
}
