package cpu

import (
	"fmt"

	"alexnet/engine"
)

// hostMemory is the memory that all contexts on processors share.
type hostMemory struct{}

// Room returns the machine's memory, as far as this process may use it.
func (c *Context) Room() (engine.Room, error) {
	total, free, err := room()
	if err != nil {
		return engine.Room{}, fmt.Errorf("%s: room: %w", c.name, err)
	}
	return engine.Room{Of: hostMemory{}, Where: "this machine", Total: total, Free: free}, nil
}

// Merged counts a normalisation and the pooling behind it, which writes its tensor while
// the former still reads. No other ops that run as one do that.
func (c *Context) Merged(ops []engine.Op, i int) int {
	if op, ok := following[engine.LRNForward](ops, i); ok {
		if _, ok := poolBehind(ops, i, op); ok {
			return 2
		}
	}
	return 1
}

// Unstored returns the gradient of a dense layer's weights in bfloat16, with the update that
// uses it right behind: each piece of it goes straight into the weights. It also returns
// normalised maps that are only pooled.
func (c *Context) Unstored(ops []engine.Op, i int) *engine.Tensor {
	switch op := ops[i].(type) {
	case engine.DenseBackward:
		if c.narrow != nil && updateBehind(ops, i, op) != nil {
			return op.DW
		}
	case engine.LRNForward:
		if _, ok := poolBehind(ops, i, op); ok {
			return op.Y
		}
	}
	return nil
}

// Estimate does nothing: plans for processors run nothing.
func (c *Context) Estimate() {}
