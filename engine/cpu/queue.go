package cpu

import (
	"fmt"

	"alexnet/engine"
)

// command is one entry of the queue: a program to run, a copy to make or a mark
// to reach.
type command struct {
	program *program
	step    engine.Step

	tensor *engine.Tensor
	host   any  // copied to the tensor
	down   bool // from the tensor

	mark *mark
}

// queueLength is the number of commands that can wait before the context's methods
// block.
const queueLength = 1024

// serve executes the queue in order until Close.
func (c *Context) serve() {
	defer close(c.stopped)
	for cmd := range c.queue {
		switch {
		case cmd.program != nil:
			c.step = cmd.step
			cmd.program.execute()
		case cmd.tensor != nil:
			c.transfer(cmd.tensor, cmd.host, cmd.down)
			if !cmd.down {
				c.changed(cmd.tensor)
			}
		default:
			cmd.mark.err = c.failure()
			close(cmd.mark.reached)
		}
	}
}

// Upload enqueues a copy of src into t.
func (c *Context) Upload(t *engine.Tensor, src any) error {
	if err := c.checkHost("upload", t, src); err != nil {
		return err
	}
	c.queue <- command{tensor: t, host: src}
	return nil
}

// Download enqueues a copy of t into dst.
func (c *Context) Download(dst any, t *engine.Tensor) error {
	if err := c.checkHost("download", t, dst); err != nil {
		return err
	}
	c.queue <- command{tensor: t, host: dst, down: true}
	return nil
}

// transfer copies between a tensor and a host slice that checkHost has checked.
func (c *Context) transfer(t *engine.Tensor, host any, down bool) {
	if c.narrow != nil {
		c.narrow.transfer(t, host, down)
		return
	}
	switch host := host.(type) {
	case []float32:
		exchange(c.floats(t), host, down)
	case []int32:
		exchange(c.ints(t), host, down)
	case []byte:
		exchange(c.bytes(t), host, down)
	}
}

func exchange[T any](device, host []T, down bool) {
	if down {
		device, host = host, device
	}
	copy(device, host)
}

// checkHost compares a host slice with the tensor to copy it to or from.
func (c *Context) checkHost(verb string, t *engine.Tensor, host any) error {
	if c.closed {
		return fmt.Errorf("%s: %s %v: %w", c.name, verb, t, errClosed)
	}
	if err := c.placed(t); err != nil {
		return fmt.Errorf("%s: %s: %w", c.name, verb, err)
	}
	var n int
	var ok bool
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
		return fmt.Errorf("%s: %s %v: a %T does not hold its elements, want %s", c.name, verb, t, host, hostType(t.Type))
	case n != t.Shape.Len():
		return fmt.Errorf("%s: %s %v: the slice has %d elements, the tensor %d", c.name, verb, t, n, t.Shape.Len())
	}
	return nil
}

func hostType(t engine.ElemType) string {
	switch t {
	case engine.Int32:
		return "[]int32"
	case engine.Byte, engine.Argmax:
		return "[]byte"
	}
	return "[]float32"
}

// mark is a position in the queue.
type mark struct {
	reached chan struct{}
	err     error // set before reached is closed
}

// Mark marks the end of the queue.
func (c *Context) Mark() engine.Mark {
	m := &mark{reached: make(chan struct{})}
	if c.closed {
		m.err = fmt.Errorf("%s: mark: %w", c.name, errClosed)
		close(m.reached)
		return m
	}
	c.queue <- command{mark: m}
	return m
}

// Wait waits until the queue has reached the mark.
func (m *mark) Wait() error {
	<-m.reached
	return m.err
}

// Sync waits for the queue and returns the first failure since the last Sync.
func (c *Context) Sync() error {
	if c.closed {
		return fmt.Errorf("%s: sync: %w", c.name, errClosed)
	}
	err := c.Mark().Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.err = nil
	return err
}

// fail keeps the first failure until the next Sync. Workers may call it.
func (c *Context) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil {
		c.err = err
	}
}

// failure returns the first failure since the last Sync.
func (c *Context) failure() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}
