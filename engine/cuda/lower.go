package cuda

import (
	"errors"
	"fmt"

	"alexnet/engine"
	"alexnet/engine/cuda/internal/gpu"
	"alexnet/engine/cuda/internal/kernels"
)

// lowerAll translates ops to steps. It continues after an op that cannot run, and returns
// the first error at the end.
func (c *Context) lowerAll(ops []engine.Op) (steps []step, failure error) {
	for i := 0; i < len(ops); i++ {
		s, err := c.lowerFused(ops, i)
		if err != nil {
			if failure == nil {
				failure = fmt.Errorf("op %d: %w", i, err)
			}
			continue
		}
		steps = append(steps, s)
		i += s.ops - 1
	}
	return steps, failure
}

// lowerFused translates ops[i], and sometimes the ops after it.
func (c *Context) lowerFused(ops []engine.Op, i int) (step, error) {
	if err := engine.CheckOp(ops[i]); err != nil {
		return step{}, err
	}
	if err := c.checkPeers(ops[i]); err != nil {
		return step{}, fmt.Errorf("%s: %w", ops[i].Kind(), err)
	}
	if !c.options.Separate {
		if s, err := c.fuse(ops, i); s.ops > 0 || err != nil {
			return s, err
		}
	}
	s, err := c.lower(ops[i])
	if err != nil {
		return step{}, fmt.Errorf("%s: %w", ops[i].Kind(), err)
	}
	s.name, s.ops = label(ops[i]), 1
	return s, nil
}

// label returns an op's name for messages, after its first output.
func label(op engine.Op) string {
	if w := op.Writes(); len(w) > 0 {
		return fmt.Sprintf("%s to %v", op.Kind(), w[0])
	}
	return op.Kind()
}

// lower translates one op, which has been checked.
func (c *Context) lower(op engine.Op) (step, error) {
	switch op := op.(type) {
	case engine.ConvForward:
		return c.lowerConvForward(op, false, nil)
	case engine.ConvBackward:
		return c.lowerConvBackward(op, nil, nil)
	case engine.DenseForward:
		return c.lowerDenseForward(op)
	case engine.DenseBackward:
		return c.lowerDenseBackward(op, nil)
	case engine.Update:
		return c.lowerUpdates([]engine.Update{op}), nil
	case engine.Concat:
		return c.lowerConcat(op), nil
	case engine.SumSlices:
		return c.lowerSumSlices(op)
	case engine.AllReduce:
		return c.lowerAllReduces([]engine.AllReduce{op}), nil
	case engine.AwaitAllReduce:
		return step{apart: c.awaitSums}, nil
	case engine.AllGather:
		return c.lowerAllGather(op), nil
	case engine.ReduceScatter:
		return c.lowerReduceScatter(op), nil
	case engine.AllToAll:
		return c.lowerAllToAll(op), nil
	case engine.Signal:
		e, ok := op.Event.(*event)
		if !ok || e.owner != c {
			return step{}, errors.New("the event belongs to another context")
		}
		return step{signal: e, prepare: e.make}, nil
	case engine.Await:
		e, ok := op.Event.(*event)
		if !ok {
			return step{}, errors.New("the event belongs to another kind of context")
		}
		return step{await: e}, nil
	}
	if l, ok := c.kernels.Lower(op, c.places()); ok {
		return stepOf(l), nil
	}
	return step{}, fmt.Errorf("%w on CUDA (%T)", gpu.ErrUnsupported, op)
}

// places gives kernels the addresses of tensors.
func (c *Context) places() kernels.Memory {
	return kernels.Memory{At: c.address, Operand: c.operand, Work: c.work, Step: func(allRanks bool) gpu.Pointer {
		if allRanks {
			return c.params.Add(allRanksParams)
		}
		return c.params
	}}
}

func stepOf(l kernels.Lowered) step {
	return step{work: l.Work, stepped: l.Stepped, allRanks: l.AllRanks, run: l.Run}
}

// checkPeers returns an error for tensors of contexts that this one cannot read.
func (c *Context) checkPeers(op engine.Op) error {
	for _, t := range op.Reads() {
		peer, ok := t.Context.(*Context)
		switch {
		case !ok:
			return fmt.Errorf("%v lives in another kind of context", t)
		case t.Type == engine.Working && peer.working != c.working:
			return fmt.Errorf("%v lives in a context of another precision, %v, not %v", t, peer.options.Precision, c.options.Precision)
		}
	}
	return nil
}

// checkPlaces returns an error for tensors that an op cannot use in their context.
func (c *Context) checkPlaces(op engine.Op) error {
	if op == nil {
		return nil // CheckOp reports it
	}
	anywhere := func(*engine.Tensor) bool { return false }
	switch op := op.(type) {
	case engine.Concat, engine.SumSlices:
		anywhere = func(*engine.Tensor) bool { return true }
	case engine.Update:
		anywhere = func(t *engine.Tensor) bool { return t == op.Halt }
	}
	for _, t := range op.Reads() {
		if t == nil {
			continue // CheckOp reports it
		}
		if anywhere(t) && t.Context != engine.Context(c) {
			continue // see checkPeers
		}
		if err := c.placed(t); err != nil {
			return fmt.Errorf("%s: %w", op.Kind(), err)
		}
	}
	for _, t := range op.Writes() {
		if err := c.placed(t); err != nil {
			return fmt.Errorf("%s: %w", op.Kind(), err)
		}
	}
	return nil
}

// remote collects the tensors of an op that may be in other contexts. On the same GPU
// the op reads them in place; from another GPU they are first copied to the
// workspace.
type remote struct {
	c       *Context
	fetches []fetch
	work    int64
}

// of returns a function that returns t's address when the op runs: peers may reserve
// their memory after this context has compiled.
func (p *remote) of(t *engine.Tensor) func() gpu.Pointer {
	if p.c.card.device == owner(t).card.device {
		return func() gpu.Pointer { return owner(t).address(t) }
	}
	at := p.work
	p.fetches = append(p.fetches, fetch{t, at})
	p.work = align(at + p.c.Bytes(t))
	return func() gpu.Pointer { return p.c.work().Add(at) }
}
