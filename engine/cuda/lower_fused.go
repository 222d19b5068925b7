package cuda

import (
	"fmt"

	"alexnet/engine"
	"alexnet/engine/cuda/internal/kernels"
)

// fuse translates ops[i] together with the ops after it, if they match a pattern that
// runs as one step, or that needs no intermediate result. step.ops is then at least 1,
// and otherwise 0.
func (c *Context) fuse(ops []engine.Op, i int) (s step, err error) {
	switch op := ops[i].(type) {
	case engine.Input:
		if c.unfolded(ops, op.Y) != nil {
			conv, relu := ops[i+1].(engine.ConvForward), reluInPlace(ops, i+2, ops[i+1].(engine.ConvForward).Y)
			s, err = c.lowerConvForward(conv, relu, &op)
			s.ops = 2 + int(kernels.Flag(relu))
		}
	case engine.ConvForward:
		input, relu := c.unfolded(ops, op.X), reluInPlace(ops, i+1, op.Y)
		if input != nil || relu {
			s, err = c.lowerConvForward(op, relu, input)
			s.ops = 1 + int(kernels.Flag(relu))
		}
	case engine.ActivateBackward:
		if conv, ok := next[engine.ConvBackward](ops, i+1); ok && conv.DY == op.DX {
			s, err = c.lowerConvBackward(conv, &op, c.unfolded(ops, conv.X))
			s.ops = 2
		}
		if dense, ok := next[engine.DenseBackward](ops, i+1); ok && dense.DY == op.DX {
			s, err = c.lowerDenseBackward(dense, &op)
			s.ops = 2
		}
	case engine.ConvBackward:
		if input := c.unfolded(ops, op.X); input != nil {
			s, err = c.lowerConvBackward(op, nil, input)
			s.ops = 1
		}
	case engine.LRNForward:
		if pool, ok := c.pooled(ops, i, op); ok {
			s = stepOf(c.kernels.LowerLRNPool(op, pool, c.places()))
			s.ops = 2
		}
	case engine.MaxPoolBackward:
		lrn, ok := next[engine.LRNBackward](ops, i+1)
		if !ok || lrn.DY != op.DX || lrn.DX != op.DX || !kernels.Fusable(lrn.Response, lrn.X) {
			break
		}
		relu, ok := next[engine.ActivateBackward](ops, i+2)
		ok = ok && relu.Function == engine.ReLU && relu.Y == lrn.X && relu.DY == op.DX && relu.DX == op.DX
		s = stepOf(c.kernels.LowerPoolLRNBackward(op, lrn, ok, c.places()))
		if s.ops = 2; ok {
			s.ops = 3
		}
	case engine.AllReduce:
		all := []engine.AllReduce{op}
		for j := i + 1; op.T.Type == engine.Float32; j++ {
			a, ok := next[engine.AllReduce](ops, j)
			if !ok || a.T.Type != engine.Float32 {
				break
			}
			all = append(all, a)
		}
		if len(all) > 1 {
			s = c.lowerAllReduces(all)
			s.ops = len(all)
		}
	case engine.Update:
		all := []engine.Update{op}
		for j := i + 1; ; j++ {
			u, ok := next[engine.Update](ops, j)
			if !ok || u.Halt != op.Halt {
				break
			}
			all = append(all, u)
		}
		if len(all) > 1 {
			s = c.lowerUpdates(all)
			s.ops = len(all)
		}
	}
	if err != nil {
		return s, fmt.Errorf("%s: %w", ops[i].Kind(), err)
	}
	s.name = label(ops[i])
	if s.ops > 1 {
		s.name += fmt.Sprintf(" (with %d ops more)", s.ops-1)
	}
	return s, nil
}

// next returns ops[i] if it is a well-formed T.
func next[T engine.Op](ops []engine.Op, i int) (op T, ok bool) {
	if i < len(ops) {
		op, ok = ops[i].(T)
	}
	return op, ok && engine.CheckOp(ops[i]) == nil
}

// reluInPlace reports whether ops[i] is a ReLU on y. A convolution applies it while it
// writes y.
func reluInPlace(ops []engine.Op, i int, y *engine.Tensor) bool {
	a, ok := next[engine.Activate](ops, i)
	return ok && a.Function == engine.ReLU && a.X == y && a.Y == y
}

// passing reports whether t only passes from one op to the next, so that it need not
// be stored.
func (c *Context) passing(ops []engine.Op, t *engine.Tensor) bool {
	readers := 0
	for _, op := range ops {
		if op == nil {
			continue
		}
		for _, r := range op.Reads() {
			if r == t {
				readers++
			}
		}
	}
	return t.Life == engine.Scratch && readers == 1
}

// pooled returns the pooling after a normalisation if both run as one kernel.
func (c *Context) pooled(ops []engine.Op, i int, lrn engine.LRNForward) (engine.MaxPoolForward, bool) {
	pool, ok := next[engine.MaxPoolForward](ops, i+1)
	return pool, ok && pool.X == lrn.Y && c.passing(ops, lrn.Y) && kernels.Fusable(lrn.Response, lrn.X)
}

// Merged counts the ops of a kernel that writes its last op's tensor while it still
// reads its first op's. No other fusion writes a tensor before its op's time.
func (c *Context) Merged(ops []engine.Op, i int) int {
	if lrn, ok := next[engine.LRNForward](ops, i); ok && !c.options.Separate {
		if _, ok := c.pooled(ops, i, lrn); ok {
			return 2
		}
	}
	return 1
}
