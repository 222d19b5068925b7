package cpu

import (
	"fmt"

	"alexnet/engine"
)

// reduction is an all-reduce in progress.
type reduction struct {
	wait func() error
	done func() // called when it is complete
}

// lowerAllReduce passes the arena's own memory to the group.
func (c *Context) lowerAllReduce(op engine.AllReduce) lowered {
	if op.T.Type == engine.Float32 {
		return serial(func() {
			c.reductions = append(c.reductions, reduction{op.By.AllReduce(owner(op.T).floats(op.T)), func() {}})
		})
	}
	flag := make([]float32, 1)
	return serial(func() {
		t := owner(op.T).ints(op.T)
		flag[0] = 0
		if t[0] != 0 {
			flag[0] = 1
		}
		c.reductions = append(c.reductions, reduction{op.By.AllReduce(flag), func() {
			if flag[0] != 0 {
				t[0] = 1
			}
		}})
	})
}

func (c *Context) lowerAwaitAllReduce(engine.AwaitAllReduce) lowered {
	return serial(func() {
		for _, r := range c.reductions {
			if err := r.wait(); err != nil {
				c.fail(fmt.Errorf("%s: adding up gradients over ranks: %w", c.name, err))
				continue
			}
			r.done()
		}
		c.reductions = c.reductions[:0]
	})
}

// exchanged records the failure of an exchange of activations.
func (c *Context) exchanged(op engine.Op, t *engine.Tensor, err error) {
	if err != nil {
		c.fail(fmt.Errorf("%s: %s of %v over ranks: %w", c.name, op.Kind(), t, err))
	}
}

func (c *Context) lowerAllGather(op engine.AllGather) lowered {
	l := serial(func() { c.allGather(op, c.floats(op.X), c.floats(op.Y), c.shared) })
	l.shared = op.Y.Shape.Len()
	return l
}

// allGather, reduceScatter and allToAll compute y from x, in the order of the host;
// memory holds blocks.
func (c *Context) allGather(op engine.AllGather, x, y, memory []float32) {
	c.exchanged(op, op.Y, op.OnHost(x, y, memory))
}

func (c *Context) lowerReduceScatter(op engine.ReduceScatter) lowered {
	l := serial(func() { c.reduceScatter(op, c.floats(op.X), c.floats(op.Y), c.shared) })
	l.shared = 2 * op.X.Shape.Len()
	return l
}

func (c *Context) reduceScatter(op engine.ReduceScatter, x, y, memory []float32) {
	c.exchanged(op, op.Y, op.OnHost(x, y, memory, c.kernels.Add))
}

func (c *Context) lowerAllToAll(op engine.AllToAll) lowered {
	l := serial(func() { c.allToAll(op, c.floats(op.X), c.floats(op.Y), c.shared) })
	l.shared = op.X.Shape.Len()
	return l
}

func (c *Context) allToAll(op engine.AllToAll, x, y, memory []float32) {
	c.exchanged(op, op.Y, op.OnHost(x, y, memory))
}
