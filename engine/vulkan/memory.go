package vulkan

import (
	"errors"
	"fmt"

	"alexnet/engine"
	"alexnet/engine/vulkan/internal/vk"
)

// memory is the single allocation of a context on the device: the arena with its
// tensors, then the workspace, then the numbers of a step.
type memory struct {
	reserved         bool
	arena, workspace int64
	peers            map[*own]bool // whose memory is read here
}

// paramBytes is the space for a step's numbers: two numbers, and a key for each dropout
// op.
const paramBytes = 4096

// size returns the bytes of an element of a type on the device.
func (c *Context) size(t engine.ElemType) int64 {
	if t == engine.Working && c.narrow {
		return 2
	}
	return int64(t.HostSize())
}

// Bytes returns the memory of t. Shaders read and write bytes in words.
func (c *Context) Bytes(t *engine.Tensor) int64 {
	return (int64(t.Shape.Len())*c.size(t.Type) + 3) &^ 3
}

// Workspace returns the memory that ops take besides their tensors: partial sums of
// the gradients of weights, and intermediate values of normalisation's gradient. It
// also notes how much is staged between host and device.
func (c *Context) Workspace(ops []engine.Op) int64 {
	var most int64
	for i := range ops {
		if engine.CheckOp(ops[i]) != nil {
			continue // Compile reports its error
		}
		if s, err := c.lower(ops, i); err == nil {
			most = max(most, s.work)
		}
	}
	c.staging.want = max(c.staging.want, c.stagingFor(ops))
	return align(most)
}

// Reserve takes the memory.
func (c *Context) Reserve(arena, workspace int64) error {
	if err := c.ready("reserve"); err != nil {
		return err
	}
	switch {
	case c.memory.reserved:
		return fmt.Errorf("%s: memory has been reserved before", c.name)
	case arena < 0 || workspace < 0:
		return fmt.Errorf("%s: reserve %d bytes and %d bytes, want no negative size", c.name, arena, workspace)
	}
	m := &c.memory
	m.arena, m.workspace = align(arena), align(workspace)
	block, err := c.device.Allocate(m.arena+m.workspace+paramBytes, false)
	if err != nil {
		return c.tooLarge(arena, workspace, err)
	}
	size := max(c.staging.want, minStaging)
	if c.staging.block, err = c.device.Allocate(size, true); err != nil {
		c.device.Free(block)
		return fmt.Errorf("%s: reserve: %d bytes of host memory for copies: %w", c.name, size, err)
	}
	c.staging.size = size
	c.own.mu.Lock()
	c.own.block = block
	c.own.mu.Unlock()
	m.reserved = true
	return nil
}

// tooLarge explains how much memory is missing.
func (c *Context) tooLarge(arena, workspace int64, err error) error {
	if !errors.Is(err, vk.ErrOutOfMemory) {
		return fmt.Errorf("%s: reserve: %w", c.name, err)
	}
	const mb = 1e6
	free, total := c.device.GPU.Memory()
	return fmt.Errorf("%s: reserve: %.0f MB are needed (%.0f for tensors, %.0f for work), %.0f of %.0f MB are free on %s: choose a smaller batch: %w",
		c.name, float64(arena+workspace)/mb, float64(arena)/mb, float64(workspace)/mb, float64(free)/mb, float64(total)/mb, c.device.GPU.Name, err)
}

// Room returns the free memory of the device, which contexts on it share.
func (c *Context) Room() (engine.Room, error) {
	if err := c.ready("room"); err != nil {
		return engine.Room{}, err
	}
	r := engine.Room{Of: c.device, Where: c.device.GPU.Name}
	if !c.narrow && c.device.Narrow {
		r.Precision = "bf16"
	}
	r.Free, r.Total = c.device.GPU.Memory()
	return r, nil
}

// Merged returns 1: every op runs alone.
func (c *Context) Merged([]engine.Op, int) int { return 1 }

// Estimate does nothing: plans cost nothing here.
func (c *Context) Estimate() {}

// blockOf returns the memory of t's context, which must have been reserved.
func (c *Context) blockOf(t *engine.Tensor) (vk.Block, error) {
	o := owner(t)
	if err := c.use(o); err != nil {
		return vk.Block{}, err
	}
	o.own.mu.Lock()
	defer o.own.mu.Unlock()
	if o.own.block.Buffer == 0 {
		return vk.Block{}, fmt.Errorf("%v: %s has reserved no memory", t, o.name)
	}
	return o.own.block, nil
}

// address returns the address of t.
func (c *Context) address(t *engine.Tensor) (vk.Address, error) {
	b, err := c.blockOf(t)
	return b.Address.Add(t.Offset), err
}

// paramsAt returns the offset of the step's numbers, stepAt their address.
func (c *Context) paramsAt() int64    { return c.memory.arena + c.memory.workspace }
func (c *Context) stepAt() vk.Address { return c.own.block.Address.Add(c.paramsAt()) }

// owner returns the context of t, which may be a peer.
func owner(t *engine.Tensor) *Context { return t.Context.(*Context) }

// placed returns an error for a tensor outside this context's arena.
func (c *Context) placed(t *engine.Tensor) error {
	switch {
	case t == nil:
		return errors.New("no tensor")
	case t.Context != engine.Context(c):
		return fmt.Errorf("%v lives in another context", t)
	}
	unit := c.size(t.Type)
	if end := t.Offset + int64(t.Shape.Len())*unit; t.Offset < 0 || t.Offset%unit != 0 || end < t.Offset || end > c.memory.arena {
		return fmt.Errorf("%v is at byte %d, outside the reserved %d bytes", t, t.Offset, c.memory.arena)
	}
	return nil
}

func align(n int64) int64 { return (n + engine.ArenaAlign - 1) &^ (engine.ArenaAlign - 1) }
