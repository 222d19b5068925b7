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

// Merged returns 1: only a layer and a ReLU in place run as one, and the ReLU reads nothing
// else.
func (c *Context) Merged([]engine.Op, int) int { return 1 }

// Unstored returns the gradient of a dense layer's weights in bfloat16, with the update that
// uses it right behind: each piece of it goes straight into the weights.
func (c *Context) Unstored(ops []engine.Op, i int) *engine.Tensor {
	if op, ok := ops[i].(engine.DenseBackward); ok && c.narrow != nil && updateBehind(ops, i, op) != nil {
		return op.DW
	}
	return nil
}

// Estimate does nothing: plans for processors run nothing.
func (c *Context) Estimate() {}
