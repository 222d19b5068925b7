package cuda

import (
	"fmt"

	"alexnet/engine"
)

// Room returns the free memory of the GPU, which contexts on it share.
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

// Estimate makes later calls take plans untimed: among the plans that might be
// fastest, the one with the most memory.
func (c *Context) Estimate() { c.estimating = true }

// Staging returns the size of the staging ring. The device and the host have one
// each.
func (c *Context) Staging(workspace int64) int64 {
	return workspace - c.memory.programPart(workspace)
}
