package bridge

import (
	"errors"
	"fmt"
	"sync"

	"alexnet/engine"
)

// Context is an engine.Context that runs its ops on an inner one. One goroutine makes
// all calls of the inner context.
type Context struct {
	inner    engine.Context
	own      map[*engine.Tensor]*engine.Tensor // this context's tensors in inner
	places   map[*engine.Tensor]*place         // copies of other contexts' tensors that it reads
	behind   int64                             // their bytes, after the arena
	most     int64                             // largest workspace of inner
	reserved bool

	commands chan command
	stopped  chan struct{}
	closed   bool

	mu      sync.Mutex
	changed sync.Cond // signals a signal, a mark or a failure
	exports map[*engine.Tensor]*export
	failure error
	writes  []write // to tensors of this context, from other contexts' programs

	sums []reduction // sums over ranks in progress; used only by serve's goroutine
}

// place is the copy of another context's tensor.
type place struct {
	tensor *engine.Tensor // of inner
	from   *export
}

// export is the host's copy of a tensor that another context reads.
type export struct {
	tensor *engine.Tensor // of the owner's inner context
	host   any
	stale  bool // the host has written the tensor
}

// command is one entry of the queue.
type command struct {
	call     func() error
	answer   chan error
	program  *program
	step     engine.Step
	tensor   *engine.Tensor
	host     any
	download bool
	mark     *mark
}

const queueLength = 1024

var errClosed = errors.New("the context is closed")

// Join wraps fresh contexts so that they can read each other's tensors. It owns them
// from now on.
func Join(contexts []engine.Context) []engine.Context {
	var all []engine.Context
	for _, inner := range contexts {
		c := &Context{
			inner: inner, own: map[*engine.Tensor]*engine.Tensor{}, places: map[*engine.Tensor]*place{}, exports: map[*engine.Tensor]*export{},
			commands: make(chan command, queueLength), stopped: make(chan struct{}),
		}
		c.changed.L = &c.mu
		go c.serve()
		all = append(all, c)
	}
	return all
}

// serve executes the queue in order until Close.
func (c *Context) serve() {
	defer close(c.stopped)
	for cmd := range c.commands {
		switch {
		case cmd.call != nil:
			cmd.answer <- cmd.call()
		case cmd.mark != nil:
			m := c.inner.Mark()
			c.mu.Lock()
			cmd.mark.inner = m
			c.changed.Broadcast()
			c.mu.Unlock()
		case c.err() != nil:
		case cmd.program != nil:
			c.fail(cmd.program.execute(cmd.step))
		case cmd.download:
			c.fail(c.inner.Download(cmd.host, c.tensor(cmd.tensor)))
		default:
			c.mu.Lock()
			if e := c.exports[cmd.tensor]; e != nil {
				e.stale = true
			}
			c.mu.Unlock()
			c.fail(c.inner.Upload(c.tensor(cmd.tensor), cmd.host))
		}
	}
	c.fail(errClosed)
}

// call runs f after the enqueued work.
func (c *Context) call(f func() error) error {
	answer := make(chan error, 1)
	c.commands <- command{call: f, answer: answer}
	return <-answer
}

// fail keeps the first failure and wakes the contexts that wait. Nothing runs after it.
func (c *Context) fail(err error) {
	if err == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.failure == nil {
		c.failure = err
	}
	c.changed.Broadcast()
}

func (c *Context) err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.failure
}

func (c *Context) ready(verb string) error {
	err := c.err()
	if c.closed {
		err = errClosed
	}
	if err != nil {
		return fmt.Errorf("%s: %s: %w", c.Name(), verb, err)
	}
	return nil
}

// Name returns the inner context's name.
func (c *Context) Name() string { return c.inner.Name() }

// Bytes returns the memory of t in the arena.
func (c *Context) Bytes(t *engine.Tensor) int64 { return c.inner.Bytes(c.tensor(t)) }

// tensor returns the inner context's tensor for t. nil stays nil. Tensors of other
// contexts stay unchanged, and inner refuses them.
func (c *Context) tensor(t *engine.Tensor) *engine.Tensor {
	if t == nil || t.Context != engine.Context(c) && t.Context != nil {
		return t
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	own := c.own[t]
	if own == nil {
		own = &engine.Tensor{Name: t.Name, Shape: t.Shape, Type: t.Type, Life: t.Life, Context: c.inner}
		c.own[t] = own
	}
	own.Offset, own.Life = t.Offset, t.Life
	return own
}

// Reserve takes the memory, with room for others' tensors behind the arena.
func (c *Context) Reserve(arena, workspace int64) error {
	if err := c.ready("reserve"); err != nil {
		return err
	}
	return c.call(func() error {
		c.reserved = true
		at := align(arena)
		for _, p := range c.places {
			p.tensor.Offset = at
			at += align(c.inner.Bytes(p.tensor))
		}
		return c.inner.Reserve(at, max(0, workspace-c.behind))
	})
}

func align(n int64) int64 { return (n + engine.ArenaAlign - 1) &^ (engine.ArenaAlign - 1) }

// Upload enqueues a copy of src into t.
func (c *Context) Upload(t *engine.Tensor, src any) error { return c.transfer("upload", t, src, false) }

// Download enqueues a copy of t into dst.
func (c *Context) Download(dst any, t *engine.Tensor) error {
	return c.transfer("download", t, dst, true)
}

// transfer refuses data that no context accepts, because the inner context checks only
// later.
func (c *Context) transfer(verb string, t *engine.Tensor, host any, download bool) error {
	err := c.ready(verb)
	if err == nil {
		err = fits(t, host)
	}
	if err == nil && t.Context != engine.Context(c) {
		err = fmt.Errorf("%v lives in another context", t)
	}
	if err != nil {
		return fmt.Errorf("%s: %s: %w", c.Name(), verb, err)
	}
	c.commands <- command{tensor: t, host: host, download: download}
	return nil
}

// fits checks that a host slice is as long as t.
func fits(t *engine.Tensor, host any) error {
	if t == nil {
		return errors.New("no tensor")
	}
	n, ok := 0, false
	switch host := host.(type) {
	case []float32:
		n, ok = len(host), t.Type == engine.Working || t.Type == engine.Float32 || t.Type == engine.Master
	case []int32:
		n, ok = len(host), t.Type == engine.Int32
	case []byte:
		n, ok = len(host), t.Type == engine.Byte || t.Type == engine.Argmax
	}
	switch {
	case !ok:
		return fmt.Errorf("%v: a %T does not hold its elements", t, host)
	case n != t.Shape.Len():
		return fmt.Errorf("%v: the slice has %d elements, the tensor %d", t, n, t.Shape.Len())
	}
	return nil
}

// mark is a position in the queue.
type mark struct {
	c     *Context
	inner engine.Mark // set under c.mu when the queue reaches the mark
	err   error
}

// Mark marks the end of the queue.
func (c *Context) Mark() engine.Mark {
	m := &mark{c: c}
	if c.closed {
		m.err = c.ready("mark")
		return m
	}
	c.commands <- command{mark: m}
	return m
}

// Wait waits until everything before the mark has run.
func (m *mark) Wait() error {
	if m.err != nil {
		return m.err
	}
	m.c.mu.Lock()
	for m.inner == nil {
		m.c.changed.Wait()
	}
	m.c.mu.Unlock()
	err := m.inner.Wait()
	if own := m.c.err(); own != nil && !errors.Is(own, errClosed) {
		err = fmt.Errorf("%s: %w", m.c.Name(), own)
	}
	return err
}

// Sync waits until everything enqueued has run. A failure stays.
func (c *Context) Sync() error {
	if c.closed {
		return c.ready("sync")
	}
	err := c.Mark().Wait()
	c.fail(err)
	return err
}

// Close waits for the queue and closes the inner context.
func (c *Context) Close() error {
	if c.closed {
		return nil
	}
	c.closed = true
	close(c.commands)
	<-c.stopped
	return c.inner.Close()
}
