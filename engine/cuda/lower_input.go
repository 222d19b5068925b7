package cuda

import (
	"slices"

	"alexnet/engine"
	"alexnet/engine/cuda/internal/gpu"
)

// unfolded returns the op that makes x if only the next convolution and its gradient read
// x: they read it folded (fold.go), and fold it from the bytes. nil means that x must be
// made.
func (c *Context) unfolded(ops []engine.Op, x *engine.Tensor) *engine.Input {
	if x.Life != engine.Scratch {
		return nil
	}
	var input *engine.Input
	for i, op := range ops {
		if engine.CheckOp(op) != nil {
			return nil
		}
		switch op := op.(type) {
		case engine.Input:
			if op.Y != x {
				break
			}
			conv, ok := next[engine.ConvForward](ops, i+1)
			if input != nil || !ok || conv.X != x {
				return nil
			}
			input = &op
			continue
		case engine.ConvForward:
			if _, ok := c.fold(c.convolutionOf(gpu.Forward, op.Window, op.Groups, op.X.Shape, op.Y.Shape)); ok && op.X == x {
				continue
			}
		case engine.ConvBackward:
			if _, ok := c.fold(c.convolutionOf(gpu.BackwardWeights, op.Window, op.Groups, op.X.Shape, op.DY.Shape)); ok && op.X == x && op.DX == nil {
				continue
			}
		}
		if slices.Contains(op.Reads(), x) || slices.Contains(op.Writes(), x) {
			return nil
		}
	}
	return input
}
