package vulkan

import (
	"fmt"

	"alexnet/engine"
)

// Ranks exchange tensors through the host: a tensor is read, exchanged by its Group, and
// written back.

// reduction is an all-reduce in progress.
type reduction struct {
	wait func() error
	t    *engine.Tensor
	sum  []float32
	flag bool
}

// read copies a tensor, which may be a peer's, to host memory, and waits for it.
func (c *Context) read(dst []byte, t *engine.Tensor) error {
	if err := c.download(dst, t); err != nil {
		return err
	}
	if err := c.waiter.Wait(c.device.Device, c.own.timeline, c.submitted); err != nil {
		return err
	}
	c.land(c.submitted)
	return nil
}

// lowerAllReduce begins a sum after the enqueued work; later work runs beside it.
func (c *Context) lowerAllReduce(op engine.AllReduce) step {
	var sum []float32 // made at its first run
	if op.T.Type == engine.Float32 {
		return step{apart: func() error {
			if sum == nil {
				sum = make([]float32, op.T.Shape.Len())
			}
			if err := c.read(raw(sum), op.T); err != nil {
				return err
			}
			c.sums = append(c.sums, reduction{op.By.AllReduce(sum), op.T, sum, false})
			return nil
		}}
	}
	flag := make([]int32, 1)
	sum = make([]float32, 1)
	return step{apart: func() error {
		if err := c.read(raw(flag), op.T); err != nil {
			return err
		}
		sum[0] = 0
		if flag[0] != 0 {
			sum[0] = 1
		}
		c.sums = append(c.sums, reduction{op.By.AllReduce(sum), op.T, sum, true})
		return nil
	}}
}

func (c *Context) lowerAwaitAllReduce(engine.AwaitAllReduce) step {
	return step{apart: func() error {
		for _, r := range c.sums {
			if err := r.wait(); err != nil {
				return fmt.Errorf("adding up gradients over ranks: %w", err)
			}
			bytes := raw(r.sum)
			if r.flag {
				if r.sum[0] == 0 {
					continue
				}
				bytes = raw([]int32{1})
			}
			if err := c.upload(r.t, bytes); err != nil {
				return err
			}
		}
		c.sums = c.sums[:0]
		return nil
	}}
}

// exchange reads x, computes y on the host, with scratch memory for elements more values,
// and writes y.
func (c *Context) exchange(x, y *engine.Tensor, besides int, do func(x, y, memory []float32) error) step {
	var from, to, memory []float32 // made at its first run
	return step{apart: func() error {
		if from == nil {
			from, to, memory = make([]float32, x.Shape.Len()), make([]float32, y.Shape.Len()), make([]float32, besides)
		}
		if err := c.read(raw(from), x); err != nil {
			return err
		}
		if err := do(from, to, memory); err != nil {
			return fmt.Errorf("%v over ranks: %w", y, err)
		}
		return c.upload(y, raw(to))
	}}
}

func (c *Context) lowerAllGather(op engine.AllGather) step {
	return c.exchange(op.X, op.Y, op.Y.Shape.Len(), op.OnHost)
}

func (c *Context) lowerReduceScatter(op engine.ReduceScatter) step {
	return c.exchange(op.X, op.Y, 2*op.X.Shape.Len(), func(x, y, memory []float32) error {
		return op.OnHost(x, y, memory, func(dst, src []float32) {
			for i, v := range src {
				dst[i] += v
			}
		})
	})
}

func (c *Context) lowerAllToAll(op engine.AllToAll) step {
	return c.exchange(op.X, op.Y, op.X.Shape.Len(), op.OnHost)
}
