package enginetest

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"sync"

	"alexnet/engine"
)

// oracle is a context that runs the reference itself, rounded to float32 when stored. It
// proves that the suite accepts a correct context, and with an injected fault that it
// refuses a wrong one. It doesn't check shapes.
type oracle struct {
	mu      sync.Mutex // held for each access: a fault may be out of order, never a data race
	arena   []byte
	queue   chan func()
	stopped chan struct{}
	closed  bool
	fault   fault
	later   []func() // late downloads
}

// fault changes what an oracle does. Every field may be nil.
type fault struct {
	op     func(engine.Op) engine.Op // what is run instead
	memory func(engine.Op, Memory)   // what the op reads
	result func(op engine.Op, m Memory, out map[*engine.Tensor][]Sum)
	arena  func(op engine.Op, arena []byte) // after the op
	await  bool                             // don't wait
	late   bool                             // download at the next mark
}

func newOracle(f fault) *oracle {
	c := &oracle{queue: make(chan func(), 1024), stopped: make(chan struct{}), fault: f}
	go func() {
		defer close(c.stopped)
		for f := range c.queue {
			f()
		}
	}()
	return c
}

func (c *oracle) Name() string                         { return "oracle" }
func (c *oracle) Bytes(t *engine.Tensor) int64         { return int64(t.Shape.Len() * t.Type.HostSize()) }
func (c *oracle) Workspace([]engine.Op) int64          { return 0 }
func (c *oracle) Merged([]engine.Op, int) int          { return 1 }
func (c *oracle) Room() (engine.Room, error)           { return engine.Room{}, nil }
func (c *oracle) Estimate()                            {}
func (c *oracle) Reserve(arena, workspace int64) error { c.arena = make([]byte, arena); return nil }

func (c *oracle) Upload(t *engine.Tensor, src any) error {
	var v []float64
	switch s := src.(type) {
	case []float32:
		v = convert[float64](s)
	case []int32:
		v = convert[float64](s)
	case []byte:
		v = convert[float64](s)
	}
	if err := fits(t, src, len(v)); err != nil {
		return err
	}
	c.queue <- func() { c.store(t, v) }
	return nil
}

func (c *oracle) Download(dst any, t *engine.Tensor) error {
	n := -1
	switch d := dst.(type) {
	case []float32:
		n = len(d)
	case []int32:
		n = len(d)
	case []byte:
		n = len(d)
	}
	if err := fits(t, dst, n); err != nil {
		return err
	}
	download := func() {
		v := c.load(t)
		switch d := dst.(type) {
		case []float32:
			copy(d, convert[float32](v))
		case []int32:
			copy(d, convert[int32](v))
		case []byte:
			copy(d, convert[byte](v))
		}
	}
	c.queue <- func() {
		if c.fault.late {
			c.later = append(c.later, download)
			return
		}
		download()
	}
	return nil
}

func fits(t *engine.Tensor, host any, n int) error {
	want := [...]string{engine.Working: "[]float32", engine.Float32: "[]float32", engine.Int32: "[]int32", engine.Byte: "[]uint8",
		engine.Argmax: "[]uint8", engine.Master: "[]float32"}[t.Type]
	if fmt.Sprintf("%T", host) != want || n != t.Shape.Len() {
		return errors.New("wrong host slice")
	}
	return nil
}

func (c *oracle) load(t *engine.Tensor) []float64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	v := make([]float64, t.Shape.Len())
	for i := range v {
		at := int(t.Offset) + i*t.Type.HostSize()
		switch t.Type {
		case engine.Byte, engine.Argmax:
			v[i] = float64(c.arena[at])
		case engine.Int32:
			v[i] = float64(int32(binary.LittleEndian.Uint32(c.arena[at:])))
		default:
			v[i] = float64(math.Float32frombits(binary.LittleEndian.Uint32(c.arena[at:])))
		}
	}
	return v
}

func (c *oracle) store(t *engine.Tensor, v []float64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, v := range v {
		at := int(t.Offset) + i*t.Type.HostSize()
		switch t.Type {
		case engine.Byte, engine.Argmax:
			c.arena[at] = byte(v)
		case engine.Int32:
			binary.LittleEndian.PutUint32(c.arena[at:], uint32(int32(v)))
		default:
			binary.LittleEndian.PutUint32(c.arena[at:], math.Float32bits(float32(v)))
		}
	}
}

func (c *oracle) Compile(ops []engine.Op) (engine.Program, error) { return &oracleProgram{c, ops}, nil }

type oracleProgram struct {
	c   *oracle
	ops []engine.Op
}

func (p *oracleProgram) Run(step engine.Step) error {
	p.c.queue <- func() {
		for _, op := range p.ops {
			p.c.execute(op, step)
		}
	}
	return nil
}

func (c *oracle) execute(op engine.Op, step engine.Step) {
	switch op := op.(type) {
	case engine.Signal:
		op.Event.(*oracleEvent).signal()
		return
	case engine.Await:
		if !c.fault.await {
			op.Event.(*oracleEvent).await(c)
		}
		return
	}
	m := Memory{}
	for _, t := range op.Reads() {
		m[t] = t.Context.(*oracle).load(t)
	}
	if c.fault.memory != nil {
		c.fault.memory(op, m)
	}
	if c.fault.op != nil {
		op = c.fault.op(op)
	}
	out := Evaluate(op, m, step)
	if c.fault.result != nil {
		for _, t := range op.Writes() {
			if _, ok := m[t]; !ok {
				m[t] = c.load(t) // what was there before
			}
		}
		c.fault.result(op, m, out)
	}
	for t, sums := range out {
		v := make([]float64, len(sums))
		for i, s := range sums {
			v[i] = s.Value
		}
		c.store(t, v)
	}
	if c.fault.arena != nil {
		c.fault.arena(op, c.arena)
	}
}

func (c *oracle) Sync() error { return c.Mark().Wait() }

func (c *oracle) Mark() engine.Mark {
	m := make(oracleMark)
	c.queue <- func() {
		for _, f := range c.later {
			f()
		}
		c.later = nil
		close(m)
	}
	return m
}

type oracleMark chan struct{}

func (m oracleMark) Wait() error { <-m; return nil }

func (c *oracle) Close() error {
	if !c.closed {
		c.closed = true
		close(c.queue)
		<-c.stopped
	}
	return nil
}

func (c *oracle) NewEvent() engine.Event {
	e := &oracleEvent{owner: c, seen: map[*oracle]int{}}
	e.changed.L = &e.mu
	return e
}

type oracleEvent struct {
	owner   *oracle
	mu      sync.Mutex
	changed sync.Cond
	signals int
	seen    map[*oracle]int
}

func (e *oracleEvent) Owner() engine.Context { return e.owner }

func (e *oracleEvent) signal() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.signals++
	e.changed.Broadcast()
}

func (e *oracleEvent) await(c *oracle) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.seen[c]++
	for e.signals < e.seen[c] {
		e.changed.Wait()
	}
}
