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

	workspace int              // floats in all
	constants []*constant      // constants that it keeps
	changes   []*engine.Tensor // tensors that it writes and that constants may depend on
}

// lowered is one op as stages, before memory is assigned: its stages look up tensors
// and workspace when they run.
type lowered struct {
	shared  int // floats of workspace for all workers together
	scratch int // floats of workspace per worker
	stages  []stage
	skip    int // following ops that are part of this one

	constant *constant // the constant that it keeps, or nil
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

// checkTensors returns an error for tensors that the op cannot use in their context.
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
