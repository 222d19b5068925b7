package cpu

import (
	"fmt"
	"unsafe"

	"alexnet/engine"
)

// program is a list of stages in order.
type program struct {
	c       *Context
	stages  []stage
	scratch int // floats that each worker needs

	workspace int              // floats that it takes in all
	constants []*constant      // that it keeps
	changes   []*engine.Tensor // that it writes and constants may be made of
}

// lowered is one op as stages, before memory is assigned: its stages look up tensors
// and workspace when they run.
type lowered struct {
	shared  int // floats of workspace that all workers see
	scratch int // floats of workspace per worker
	stages  []stage
	skip    int // following ops that this one has taken over

	constant *constant // that it keeps; nil for none
}

// kept returns the floats of workspace that l keeps from one run to the next.
func (l *lowered) kept() int {
	if l.constant == nil {
		return 0
	}
	return padFloats(l.constant.floats)
}

// Compile prepares ops for running.
func (c *Context) Compile(ops []engine.Op) (engine.Program, error) {
	if c.closed {
		return nil, fmt.Errorf("%s: compile: %w", c.name, errClosed)
	}
	p := &program{c: c}
	shared := 0
	for i := 0; i < len(ops); i++ {
		if err := engine.CheckOp(ops[i]); err != nil {
			return nil, fmt.Errorf("%s: op %d: %w", c.name, i, err)
		}
		if err := c.checkTensors(ops[i]); err != nil {
			return nil, fmt.Errorf("%s: op %d: %w", c.name, i, err)
		}
		l, err := c.lower(ops, i)
		if err != nil {
			return nil, fmt.Errorf("%s: op %d: %w", c.name, i, err)
		}
		shared, p.scratch = max(shared, l.shared), max(p.scratch, l.scratch)
		p.stages = append(p.stages, l.stages...)
		if l.constant != nil {
			p.constants = append(p.constants, l.constant)
		}
		for _, op := range ops[i : i+l.skip+1] {
			for _, t := range op.Writes() {
				if t.Type == engine.Master {
					p.changes = append(p.changes, t)
				}
			}
		}
		i += l.skip
	}
	shared, p.scratch = padFloats(shared), padFloats(p.scratch)
	for _, k := range p.constants {
		k.at = shared
		shared += padFloats(k.floats)
	}
	p.workspace = shared + len(c.team.workers)*p.scratch
	if p.workspace > len(c.shared) {
		return nil, fmt.Errorf("%s: the program takes %d bytes of workspace, %d are reserved", c.name, 4*p.workspace, 4*len(c.shared))
	}
	return p, nil
}

// checkTensors reports tensors that the op cannot use where they are.
func (c *Context) checkTensors(op engine.Op) error {
	for _, t := range append(op.Reads(), op.Writes()...) {
		if engine.MayBePeers(op, t) {
			if err := c.sameKind(t); err != nil {
				return fmt.Errorf("%s: %w", op.Kind(), err)
			}
			continue
		}
		if err := c.placed(t); err != nil {
			return fmt.Errorf("%s: %w", op.Kind(), err)
		}
	}
	return nil
}

// lower translates ops[i], which has been checked, and sometimes the ops that follow
// it.
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
	switch op := ops[i].(type) { // in either precision
	case engine.LocalForward:
		return c.lowerLocalForward(op), nil
	case engine.LocalBackward:
		return c.lowerLocalBackward(op), nil
	}
	if c.narrow != nil {
		return c.narrow.lower(ops, i)
	}
	switch op := ops[i].(type) {
	case engine.Input:
		return c.lowerInput(op), nil
	case engine.ConvForward:
		relu := fusible(ops, i, op.Y)
		return c.lowerConvForward(op, relu, constantWeights(ops, op.W)), nil
	case engine.ConvBackward:
		return c.lowerConvBackward(op), nil
	case engine.DenseForward:
		relu := fusible(ops, i, op.Y)
		return c.lowerDenseForward(op, relu, constantWeights(ops, op.W)), nil
	case engine.DenseBackward:
		return c.lowerDenseBackward(op), nil
	case engine.Activate:
		return c.lowerActivate(op), nil
	case engine.ActivateBackward:
		return c.lowerActivateBackward(op), nil
	case engine.LRNForward:
		if pool, ok := poolBehind(ops, i, op); ok {
			return c.lowerLRNPool(op, pool), nil
		}
		return c.lowerLRNForward(op), nil
	case engine.LRNBackward:
		return c.lowerLRNBackward(op), nil
	case engine.MaxPoolForward:
		return c.lowerMaxPoolForward(op), nil
	case engine.MaxPoolBackward:
		if lrn, relu, ok := lrnBehind(ops, i, op); ok {
			return c.lowerLRNPoolBackward(op, lrn, relu), nil
		}
		return c.lowerMaxPoolBackward(op), nil
	case engine.AvgPoolForward:
		return c.lowerAvgPoolForward(op), nil
	case engine.AvgPoolBackward:
		return c.lowerAvgPoolBackward(op), nil
	case engine.Dropout:
		return c.lowerDropout(op), nil
	case engine.SoftmaxLoss:
		return c.lowerSoftmaxLoss(op), nil
	case engine.Accumulate:
		return c.lowerAccumulate(op), nil
	case engine.Update:
		return c.lowerUpdate(op), nil
	case engine.Concat:
		return c.lowerConcat(op), nil
	case engine.SumSlices:
		return c.lowerSumSlices(op), nil
	case engine.AllReduce:
		return c.lowerAllReduce(op), nil
	case engine.AwaitAllReduce:
		return c.lowerAwaitAllReduce(), nil
	case engine.AllGather:
		return c.lowerAllGather(op), nil
	case engine.ReduceScatter:
		return c.lowerReduceScatter(op), nil
	case engine.AllToAll:
		return c.lowerAllToAll(op), nil
	default:
		return lowered{}, fmt.Errorf("%s (%T): the CPU has no such op", op.Kind(), op)
	}
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

// serial is work in one part.
func serial(f func()) lowered {
	return lowered{stages: []stage{{1, func(*worker, int) { f() }}}}
}

// Run enqueues the program.
func (p *program) Run(s engine.Step) error {
	if p.c.closed {
		return fmt.Errorf("%s: run: %w", p.c.name, errClosed)
	}
	p.c.queue <- command{program: p, step: s}
	return nil
}

// execute runs the stages; it is called by the queue's goroutine.
func (p *program) execute() {
	c := p.c
	p.enter()
	end := len(c.shared)
	for _, w := range c.team.workers {
		w.scratch = c.shared[end-p.scratch : end : end]
		end -= p.scratch
	}
	for i := range p.stages {
		c.team.run(&p.stages[i])
	}
	for _, t := range p.changes {
		c.changed(t)
	}
}

// pointer returns the address of the first element.
func pointer(s []float32) *float32 { return unsafe.SliceData(s) }
