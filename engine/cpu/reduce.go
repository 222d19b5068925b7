package cpu

import (
	"fmt"

	"alexnet/engine"
)

// reduction is a sum over ranks that has begun.
type reduction struct {
	wait func() error
	done func() // what to do when it is there
}

// lowerReduce hands the arena's own memory to the reducer.
func (c *Context) lowerReduce(op engine.Reduce) lowered {
	if op.T.Type == engine.Float32 {
		return serial(func() {
			c.reductions = append(c.reductions, reduction{op.By.Sum(owner(op.T).floats(op.T)), func() {}})
		})
	}
	flag := make([]float32, 1)
	return serial(func() {
		t := owner(op.T).ints(op.T)
		flag[0] = 0
		if t[0] != 0 {
			flag[0] = 1
		}
		c.reductions = append(c.reductions, reduction{op.By.Sum(flag), func() {
			if flag[0] != 0 {
				t[0] = 1
			}
		}})
	})
}

func (c *Context) lowerAwaitReduce() lowered {
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
