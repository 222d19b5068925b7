package bridge

import (
	"fmt"

	"alexnet/engine"
)

// Ranks exchange tensors through the host, in the goroutine of the context whose program
// has the op: a tensor is read, exchanged by its Group, and written back. Sums may be of
// other contexts' tensors; their owners write them when they next await an event.

// reduction is an all-reduce in progress.
type reduction struct {
	wait  func() error
	owner *Context
	own   *engine.Tensor // in the owner's inner context
	t     *engine.Tensor
	sum   []float32
	flag  bool
}

// write is a tensor's new value, which its owner has not written yet.
type write struct {
	t    *engine.Tensor
	host any
}

// hostWork returns the host's work for an op between ranks.
func (c *Context) hostWork(op engine.Op) (func() error, error) {
	if err := engine.CheckOp(op); err != nil {
		return nil, err
	}
	switch op := op.(type) {
	case engine.AllReduce:
		return c.allReduce(op)
	case engine.AwaitAllReduce:
		return c.awaitAllReduce, nil
	case engine.AllGather:
		return c.exchange(op.X, op.Y, op.Y.Shape.Len(), op.OnHost)
	case engine.ReduceScatter:
		return c.exchange(op.X, op.Y, 2*op.X.Shape.Len(), func(x, y, memory []float32) error {
			return op.OnHost(x, y, memory, func(dst, src []float32) {
				for i, v := range src {
					dst[i] += v
				}
			})
		})
	case engine.AllToAll:
		return c.exchange(op.X, op.Y, op.X.Shape.Len(), op.OnHost)
	}
	return nil, fmt.Errorf("%s (%T): engine/bridge has no such op", op.Kind(), op)
}

// allReduce begins a sum. If the tensor is another context's, the host has it since that
// context's last Signal, and the op comes after it.
func (c *Context) allReduce(op engine.AllReduce) (func() error, error) {
	owner, ok := op.T.Context.(*Context)
	if !ok {
		return nil, fmt.Errorf("%s: %v lives in a context of another kind", op.Kind(), op.T)
	}
	r := reduction{owner: owner, own: owner.tensor(op.T), t: op.T, sum: make([]float32, op.T.Shape.Len()), flag: op.T.Type == engine.Int32}
	e := owner.export(op.T)
	return func() error {
		if owner == c {
			if err := c.read(e.host, e.tensor); err != nil {
				return err
			}
		}
		switch host := e.host.(type) {
		case []float32:
			copy(r.sum, host)
		case []int32:
			r.sum[0] = min(1, float32(uint32(host[0])))
		}
		r.wait = op.By.AllReduce(r.sum)
		c.sums = append(c.sums, r)
		return nil
	}, nil
}

func (c *Context) awaitAllReduce() error {
	for _, r := range c.sums {
		if err := r.wait(); err != nil {
			return fmt.Errorf("adding up gradients over ranks: %w", err)
		}
		var host any = r.sum
		if r.flag {
			if r.sum[0] == 0 {
				continue
			}
			host = []int32{1}
		}
		r.owner.mu.Lock()
		r.owner.writes = append(r.owner.writes, write{r.t, host})
		r.owner.mu.Unlock()
	}
	c.sums = c.sums[:0]
	return c.receive()
}

// receive writes new values of this context's tensors from all programs.
func (c *Context) receive() error {
	c.mu.Lock()
	writes := c.writes
	c.writes = nil
	c.mu.Unlock()
	if len(writes) == 0 {
		return nil
	}
	for _, w := range writes {
		if err := c.put(w.t, w.host); err != nil {
			return err
		}
	}
	return c.inner.Mark().Wait() // then the host's memory can be reused
}

// put uploads a tensor of this context.
func (c *Context) put(t *engine.Tensor, host any) error {
	c.wrote(map[*engine.Tensor]bool{t: true})
	return c.inner.Upload(c.tensor(t), host)
}

// read downloads a tensor of the inner context, and waits for it.
func (c *Context) read(host any, t *engine.Tensor) error {
	if err := c.inner.Download(host, t); err != nil {
		return err
	}
	return c.inner.Mark().Wait()
}

// exchange reads x, computes y on the host with scratch memory for size elements, and
// writes y.
func (c *Context) exchange(x, y *engine.Tensor, besides int, do func(x, y, memory []float32) error) (func() error, error) {
	for _, t := range []*engine.Tensor{x, y} {
		if t.Context != engine.Context(c) {
			return nil, fmt.Errorf("%v lives in another context", t)
		}
	}
	from, to, memory := make([]float32, x.Shape.Len()), make([]float32, y.Shape.Len()), make([]float32, besides)
	own := c.tensor(x)
	return func() error {
		if err := c.read(from, own); err != nil {
			return err
		}
		if err := do(from, to, memory); err != nil {
			return fmt.Errorf("%v over ranks: %w", y, err)
		}
		if err := c.put(y, to); err != nil {
			return err
		}
		return c.inner.Mark().Wait() // then the host's memory can be reused
	}, nil
}
