package cuda

import (
	"fmt"

	"alexnet/engine"
)

// Room is the memory that is free on the GPU, which contexts on it share.
func (c *Context) Room() (engine.Room, error) {
	if err := c.ready("room"); err != nil {
		return engine.Room{}, err
	}
	r := engine.Room{Of: c.card, Where: c.card.device.Describe().Name}
	if c.options.Precision != BF16 {
		r.Precision = "bf16"
	}
	err := c.call(func() (err error) {
		r.Free, r.Total, err = c.card.device.Memory()
		return err
	})
	if err != nil {
		return r, fmt.Errorf("%s: room: %w", c.name, err)
	}
	return r, nil
}

// Estimate has plans taken untimed from now on: the one that takes most memory of
// those that might turn out the fastest.
func (c *Context) Estimate() { c.estimating = true }

// Staging is the staging ring, of which the device and the host have one each.
func (c *Context) Staging(workspace int64) int64 {
	return workspace - c.memory.programPart(workspace)
}
