package bridge

import (
	"errors"
	"fmt"
	"reflect"

	"alexnet/engine"
)

// program is a list of segments in order.
type program struct {
	c        *Context
	segments []segment
}

// segment is a list of ops that the inner context runs together, or one op between such
// lists.
type segment struct {
	run    engine.Program
	reads  []*place                // copies of other contexts' tensors
	writes map[*engine.Tensor]bool // tensors of this context
	signal *event
	await  *event
	onHost func() error // an operation of the ranks, on the host
}

// Workspace returns the workspace of the inner context for the programs so far, plus
// room for others' tensors, which Reserve takes off again.
func (c *Context) Workspace(ops []engine.Op) int64 {
	_ = c.call(func() error {
		for _, list := range cut(ops) {
			var translated []engine.Op
			for _, op := range list {
				if between(op) || engine.CheckOp(op) != nil {
					continue // Compile reports the error
				}
				if t, _, err := c.translate(op); err == nil {
					translated = append(translated, t)
				}
			}
			c.most = max(c.most, c.inner.Workspace(translated))
		}
		if len(ops) == 0 {
			c.most = max(c.most, c.inner.Workspace(nil))
		}
		return nil
	})
	return c.most + c.behind
}

// Room is not known. Places for others' tensors add up with every plan, so sizes that were
// found by planning several times would be wrong.
func (c *Context) Room() (engine.Room, error) { return engine.Room{}, nil }

// Estimate does nothing.
func (c *Context) Estimate() {}

// Merged returns the inner context's answer.
func (c *Context) Merged(ops []engine.Op, i int) int {
	var translated []engine.Op
	for _, op := range ops[i:] {
		if between(op) {
			break
		}
		t, _, err := c.translate(op)
		if err != nil {
			break
		}
		translated = append(translated, t)
	}
	if len(translated) == 0 {
		return 1
	}
	return c.inner.Merged(translated, 0)
}

// cut splits ops at those that run between segments.
func cut(ops []engine.Op) (lists [][]engine.Op) {
	first := true
	for i := range ops {
		if first || between(ops[i]) || between(ops[i-1]) {
			lists = append(lists, nil)
		}
		first = false
		lists[len(lists)-1] = append(lists[len(lists)-1], ops[i])
	}
	return lists
}

func between(op engine.Op) bool {
	switch op.(type) {
	case engine.Signal, engine.Await, engine.AllReduce, engine.AwaitAllReduce, engine.AllGather, engine.ReduceScatter, engine.AllToAll:
		return true
	}
	return false
}

// translate replaces the tensors of an op by the inner context's, and by the copies of
// other contexts' tensors that it reads.
func (c *Context) translate(op engine.Op) (engine.Op, []*place, error) {
	var reads []*place
	var failure error
	writes := map[*engine.Tensor]bool{}
	for _, t := range op.Writes() {
		writes[t] = true
	}
	from := reflect.ValueOf(op)
	to := reflect.New(from.Type()).Elem()
	to.Set(from)
	change := func(t *engine.Tensor) *engine.Tensor {
		peer, ok := (*Context)(nil), false
		if t != nil {
			peer, ok = t.Context.(*Context)
		}
		if !ok || peer == c || writes[t] {
			return c.tensor(t)
		}
		p, err := c.place(t, peer)
		if err != nil {
			failure = err
			return t
		}
		reads = append(reads, p)
		return p.tensor
	}
	for i := range to.NumField() {
		switch field := to.Field(i).Interface().(type) {
		case *engine.Tensor:
			to.Field(i).Set(reflect.ValueOf(change(field)))
		case []*engine.Tensor:
			changed := make([]*engine.Tensor, len(field))
			for j, t := range field {
				changed[j] = change(t)
			}
			to.Field(i).Set(reflect.ValueOf(changed))
		}
	}
	return to.Interface().(engine.Op), reads, failure
}

// place returns the copy of a peer's tensor. It makes a new one until memory is reserved.
func (c *Context) place(t *engine.Tensor, peer *Context) (*place, error) {
	if p := c.places[t]; p != nil {
		return p, nil
	}
	if c.reserved {
		return nil, fmt.Errorf("%v of %s was not asked for when memory was planned", t, peer.Name())
	}
	p := &place{
		tensor: &engine.Tensor{Name: t.Name, Shape: t.Shape, Type: t.Type, Life: engine.Persistent, Context: c.inner},
		from:   peer.export(t),
	}
	c.places[t] = p
	c.behind += align(c.inner.Bytes(p.tensor)) + engine.ArenaAlign
	return p, nil
}

// export makes the host's copy of a tensor of this context.
func (c *Context) export(t *engine.Tensor) *export {
	own := c.tensor(t)
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.exports[t]
	if e == nil {
		e = &export{tensor: own, stale: true}
		switch n := t.Shape.Len(); t.Type {
		case engine.Int32:
			e.host = make([]int32, n)
		case engine.Byte, engine.Argmax:
			e.host = make([]byte, n)
		default:
			e.host = make([]float32, n)
		}
		c.exports[t] = e
	}
	return e
}

// Compile prepares ops for running.
func (c *Context) Compile(ops []engine.Op) (engine.Program, error) {
	if err := c.ready("compile"); err != nil {
		return nil, err
	}
	p := &program{c: c}
	err := c.call(func() error {
		for _, list := range cut(ops) {
			s, err := c.segment(list)
			if err != nil {
				return err
			}
			p.segments = append(p.segments, s)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return p, nil
}

// segment compiles ops that run together, or a single op between such lists.
func (c *Context) segment(ops []engine.Op) (s segment, err error) {
	switch op := ops[0].(type) {
	case engine.Signal:
		e, ok := op.Event.(*event)
		if !ok || e.owner != c {
			return s, fmt.Errorf("%s: signal: the event belongs to another context", c.Name())
		}
		return segment{signal: e}, nil
	case engine.Await:
		e, ok := op.Event.(*event)
		if !ok {
			return s, fmt.Errorf("%s: await: the event belongs to another kind of context", c.Name())
		}
		return segment{await: e}, nil
	}
	if between(ops[0]) {
		if s.onHost, err = c.hostWork(ops[0]); err != nil {
			err = fmt.Errorf("%s: %w", c.Name(), err)
		}
		return s, err
	}
	s.writes = map[*engine.Tensor]bool{}
	var translated []engine.Op
	for _, op := range ops {
		if err := engine.CheckOp(op); err != nil {
			return s, fmt.Errorf("%s: %w", c.Name(), err)
		}
		t, reads, err := c.translate(op)
		if err != nil {
			return s, fmt.Errorf("%s: %w", c.Name(), err)
		}
		translated, s.reads = append(translated, t), append(s.reads, reads...)
		for _, t := range op.Writes() {
			s.writes[t] = true
		}
	}
	s.run, err = c.inner.Compile(translated)
	return s, err
}

// Run enqueues the program.
func (p *program) Run(step engine.Step) error {
	if err := p.c.ready("run"); err != nil {
		return err
	}
	p.c.commands <- command{program: p, step: step}
	return nil
}

func (p *program) execute(step engine.Step) error {
	for i := range p.segments {
		s := &p.segments[i]
		var err error
		switch {
		case s.signal != nil:
			err = s.signal.signal()
		case s.await != nil:
			if err = s.await.await(p.c); err == nil {
				err = p.c.receive()
			}
		case s.onHost != nil:
			err = s.onHost()
		default:
			for _, r := range s.reads {
				err = errors.Join(err, p.c.inner.Upload(r.tensor, r.from.host))
			}
			p.c.wrote(s.writes)
			if err == nil {
				err = s.run.Run(step)
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// wrote marks the host's copies of these tensors as stale.
func (c *Context) wrote(tensors map[*engine.Tensor]bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for t, e := range c.exports {
		e.stale = e.stale || tensors[t]
	}
}
