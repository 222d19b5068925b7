package cpu

import (
	"fmt"

	"alexnet/engine"
)

// lowerings is the table of ops, a row for each kind of layer or piece of work: each op in
// float32 and in bfloat16.
var lowerings = [][]lowering{
	{by((*Context).lowerInput, (*narrow).lowerInput)},
	{withNext(lowerConvForward), by((*Context).lowerConvBackward, (*narrow).lowerConvBackward)},
	{withNext(lowerDenseForward), withNext(lowerDenseBackward)},
	{
		by((*Context).lowerLocalForward, (*narrow).lowerLocalForward),
		by((*Context).lowerLocalBackward, (*narrow).lowerLocalBackward),
	},
	{
		by((*Context).lowerActivate, (*narrow).lowerActivate),
		by((*Context).lowerActivateBackward, (*narrow).lowerActivateBackward),
	},
	{withNext(lowerLRNForward), by((*Context).lowerLRNBackward, (*narrow).lowerLRNBackward)},
	{by((*Context).lowerMaxPoolForward, (*narrow).lowerMaxPoolForward), withNext(lowerMaxPoolBackward)},
	{
		by((*Context).lowerAvgPoolForward, (*narrow).lowerAvgPoolForward),
		by((*Context).lowerAvgPoolBackward, (*narrow).lowerAvgPoolBackward),
	},
	{by((*Context).lowerDropout, (*narrow).lowerDropout)},
	{by((*Context).lowerSoftmaxLoss, (*narrow).lowerSoftmaxLoss)},
	{
		by((*Context).lowerAccumulate, (*narrow).lowerAccumulate),
		by((*Context).lowerUpdate, (*narrow).lowerUpdate),
	},
	{
		by((*Context).lowerConcat, (*narrow).lowerConcat),
		by((*Context).lowerSumSlices, (*narrow).lowerSumSlices),
	},
	{
		by((*Context).lowerAllReduce, (*narrow).lowerAllReduce),
		by((*Context).lowerAwaitAllReduce, (*narrow).lowerAwaitAllReduce),
	},
	{
		by((*Context).lowerAllGather, (*narrow).lowerAllGather),
		by((*Context).lowerReduceScatter, (*narrow).lowerReduceScatter),
		by((*Context).lowerAllToAll, (*narrow).lowerAllToAll),
	},
}

// A lowering translates ops[i], if it has the right type, and sometimes also the ops
// after it.
type lowering func(c *Context, ops []engine.Op, i int) (l lowered, ok bool)

func by[O engine.Op](inFloat32 func(*Context, O) lowered, inBF16 func(*narrow, O) lowered) lowering {
	return withNext(func(c *Context, _ []engine.Op, _ int, op O) lowered {
		if c.narrow != nil {
			return inBF16(c.narrow, op)
		}
		return inFloat32(c, op)
	})
}

// withNext is a lowering of ops[i] that may also compute the ops after it.
func withNext[O engine.Op](lower func(c *Context, ops []engine.Op, i int, op O) lowered) lowering {
	return func(c *Context, ops []engine.Op, i int) (l lowered, ok bool) {
		op, ok := ops[i].(O)
		if ok {
			l = lower(c, ops, i, op)
		}
		return l, ok
	}
}

// lower translates ops[i], which has been checked, and sometimes the ops after it.
func (c *Context) lower(ops []engine.Op, i int) (lowered, error) {
	switch op := ops[i].(type) {
	case engine.Signal:
		e, ok := op.Event.(*event)
		if !ok || e.owner != c {
			return lowered{}, fmt.Errorf("signal: the event belongs to another context")
		}
		return serial(func() { e.signal() }), nil
	case engine.Await:
		e, ok := op.Event.(*event)
		if !ok {
			return lowered{}, fmt.Errorf("await: the event belongs to another kind of context")
		}
		return serial(func() { e.await(c) }), nil
	}
	for _, row := range lowerings {
		for _, lower := range row {
			if l, ok := lower(c, ops, i); ok {
				return l, nil
			}
		}
	}
	return lowered{}, fmt.Errorf("%s (%T): the CPU has no such op", ops[i].Kind(), ops[i])
}

func lowerConvForward(c *Context, ops []engine.Op, i int, op engine.ConvForward) lowered {
	relu, constant := fusible(ops, i, op.Y), constantWeights(ops, op.W)
	if c.narrow != nil {
		return c.narrow.lowerConvForward(op, relu, constant)
	}
	return c.lowerConvForward(op, relu, constant)
}

func lowerDenseForward(c *Context, ops []engine.Op, i int, op engine.DenseForward) lowered {
	relu, constant := fusible(ops, i, op.Y), constantWeights(ops, op.W)
	if c.narrow != nil {
		return c.narrow.lowerDenseForward(op, relu, constant)
	}
	return c.lowerDenseForward(op, relu, constant)
}

func lowerDenseBackward(c *Context, ops []engine.Op, i int, op engine.DenseBackward) lowered {
	if c.narrow != nil {
		return c.narrow.lowerDenseBackward(op, updateBehind(ops, i, op))
	}
	return c.lowerDenseBackward(op)
}

func lowerLRNForward(c *Context, ops []engine.Op, i int, op engine.LRNForward) lowered {
	pool, both := poolBehind(ops, i, op)
	switch {
	case c.narrow != nil && both:
		return c.narrow.lowerLRNPool(op, pool)
	case c.narrow != nil:
		return c.narrow.lowerLRNForward(op)
	case both:
		return c.lowerLRNPool(op, pool)
	}
	return c.lowerLRNForward(op)
}

func lowerMaxPoolBackward(c *Context, ops []engine.Op, i int, op engine.MaxPoolBackward) lowered {
	lrn, relu, both := lrnBehind(ops, i, op)
	switch {
	case c.narrow != nil && both:
		return c.narrow.lowerLRNPoolBackward(op, lrn, relu)
	case c.narrow != nil:
		return c.narrow.lowerMaxPoolBackward(op)
	case both:
		return c.lowerLRNPoolBackward(op, lrn, relu)
	}
	return c.lowerMaxPoolBackward(op)
}

// fusible reports whether the op after ops[i] is a ReLU in place on y. A product can
// apply it while its result is still in cache.
func fusible(ops []engine.Op, i int, y *engine.Tensor) bool {
	if i+1 >= len(ops) {
		return false
	}
	a, ok := ops[i+1].(engine.Activate)
	return ok && a.Function == engine.ReLU && a.X == y && a.Y == y
}

// serial is work that isn't divided.
func serial(f func()) lowered {
	return lowered{stages: []stage{{1, func(*worker, int) { f() }}}}
}
