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

// lowerAllReduce hands the arena's own memory to the communicator.
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

func (c *Context) lowerAwaitAllReduce() lowered {
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

// exchanged waits for an exchange of activations.
func (c *Context) exchanged(op engine.Op, t *engine.Tensor, wait func() error) {
	if err := wait(); err != nil {
		c.fail(fmt.Errorf("%s: %s of %v over ranks: %w", c.name, op.Kind(), t, err))
	}
}

// Communicators move blocks, one a rank. Slices along the images are blocks as
// they lie; slices along the maps are packed to blocks, and back, in the
// workspace.

// block is the r-th of n equal blocks.
func block(s []float32, r, n int) []float32 {
	length := len(s) / n
	return s[r*length : (r+1)*length]
}

// packMaps copies maps [r·C, (r+1)·C) of all rows of whole, (rows, ranks·C), to
// block r of packed, for every r; unpackMaps copies them back.
func packMaps(packed, whole []float32, rows, ranks int) {
	eachRow(packed, whole, rows, ranks, func(packed, whole []float32) { copy(packed, whole) })
}

func unpackMaps(whole, packed []float32, rows, ranks int) {
	eachRow(packed, whole, rows, ranks, func(packed, whole []float32) { copy(whole, packed) })
}

func eachRow(packed, whole []float32, rows, ranks int, do func(packed, whole []float32)) {
	for r := range ranks {
		b := block(packed, r, ranks)
		for n := range rows {
			do(block(b, n, rows), block(block(whole, n, rows), r, ranks))
		}
	}
}

func (c *Context) lowerAllGather(op engine.AllGather) lowered {
	l := serial(func() { c.allGather(op, c.floats(op.X), c.floats(op.Y), c.shared) })
	l.shared = op.Y.Shape.Len()
	return l
}

// allGather, reduceScatter and allToAll compute y from x, in the order of the host,
// by way of memory for blocks.
func (c *Context) allGather(op engine.AllGather, x, y, memory []float32) {
	rank, ranks := op.By.Rank(), op.By.Size()
	if op.Axis == engine.Images {
		copy(block(y, rank, ranks), x)
		c.exchanged(op, op.Y, op.By.AllGather(y))
		return
	}
	packed := memory[:len(y)]
	copy(block(packed, rank, ranks), x)
	c.exchanged(op, op.Y, op.By.AllGather(packed))
	unpackMaps(y, packed, op.Y.Shape[0], ranks)
}

func (c *Context) lowerReduceScatter(op engine.ReduceScatter) lowered {
	l := serial(func() { c.reduceScatter(op, c.floats(op.X), c.floats(op.Y), c.shared) })
	l.shared = 2 * op.X.Shape.Len()
	return l
}

func (c *Context) reduceScatter(op engine.ReduceScatter, x, y, memory []float32) {
	ranks, size := op.By.Size(), len(x)
	sent, received := x, memory[:size]
	if op.Axis == engine.Maps {
		sent = memory[size : 2*size]
		packMaps(sent, x, op.X.Shape[0], ranks)
	}
	c.exchanged(op, op.Y, op.By.AllToAll(received, sent))
	copy(y, block(received, 0, ranks))
	for r := 1; r < ranks; r++ {
		c.kernels.Add(y, block(received, r, ranks))
	}
}

func (c *Context) lowerAllToAll(op engine.AllToAll) lowered {
	l := serial(func() { c.allToAll(op, c.floats(op.X), c.floats(op.Y), c.shared) })
	l.shared = op.X.Shape.Len()
	return l
}

func (c *Context) allToAll(op engine.AllToAll, x, y, memory []float32) {
	ranks, packed := op.By.Size(), memory[:len(x)]
	if op.Axis == engine.Maps { // X's rows are blocks as they lie
		c.exchanged(op, op.Y, op.By.AllToAll(packed, x))
		unpackMaps(y, packed, op.Y.Shape[0], ranks)
		return
	}
	packMaps(packed, x, op.X.Shape[0], ranks)
	c.exchanged(op, op.Y, op.By.AllToAll(y, packed))
}
