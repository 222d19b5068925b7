package cuda

import (
	"errors"
	"fmt"

	"alexnet/engine"
	"alexnet/engine/cuda/internal/gpu"
	"alexnet/internal/setting"
)

// memory is the single allocation of a context: the arena with its tensors, then the
// workspace, then the staging ring.
type memory struct {
	reserved         bool
	base             gpu.Pointer
	arena, workspace int64 // bytes reserved
	program          int64 // the part of the workspace that programs use; the ring has the rest
	seen             []need
}

// need is the memory that a list of ops takes: working memory, and staging.
type need struct{ work, staging int64 }

// Workspace returns the memory that running ops takes: the own memory of the largest
// product or convolution, converted copies of its operands, tensors fetched from
// another GPU, and staging for the host's data.
func (c *Context) Workspace(ops []engine.Op) int64 {
	n := need{staging: c.staging(ops)}
	if c.ready("workspace") == nil {
		_ = c.call(func() error {
			steps, _ := c.lowerAll(ops) // Compile reports errors of ops
			n.work = workspaceOf(steps)
			return nil
		})
	}
	c.memory.seen = append(c.memory.seen, n)
	return n.work + n.staging
}

// Reserve takes the memory. If the GPU has not enough, it fails before any work.
func (c *Context) Reserve(arena, workspace int64) error {
	if err := c.ready("reserve"); err != nil {
		return err
	}
	if arena < 0 || workspace < 0 {
		return fmt.Errorf("%s: reserve %d bytes and %d bytes, want no negative size", c.name, arena, workspace)
	}
	if err := c.call(func() error { return c.reserve(arena, workspace) }); err != nil {
		return fmt.Errorf("%s: reserve: %w", c.name, err)
	}
	return nil
}

func (c *Context) reserve(arena, workspace int64) error {
	m := &c.memory
	if m.reserved {
		return errors.New("memory has been reserved before")
	}
	m.arena, m.workspace = align(arena), align(workspace)
	total := max(m.arena+m.workspace, engine.ArenaAlign)
	free, _, err := c.card.device.Memory()
	if err != nil {
		return err
	}
	if total > free {
		return c.tooLarge(arena, workspace, free, gpu.ErrOutOfMemory)
	}
	m.base, err = c.family.allocate(c, total)
	if errors.Is(err, gpu.ErrOutOfMemory) {
		return c.tooLarge(arena, workspace, free, err)
	}
	if err != nil {
		return err
	}
	m.reserved = true
	m.program = m.programPart(m.workspace)
	if m.workspace == m.program {
		return nil
	}
	c.ring.host, err = c.family.allocateHost(c, int(m.workspace-m.program))
	if err != nil {
		return fmt.Errorf("%d bytes of page-locked host memory for copies: %w", m.workspace-m.program, err)
	}
	c.layRing()
	return nil
}

// programPart returns the part of a planned workspace that programs use. The rest is
// for staging.
func (m *memory) programPart(workspace int64) (most int64) {
	for _, n := range m.seen {
		if n.work+n.staging <= workspace {
			most = max(most, n.work)
		}
	}
	return most
}

// work returns the beginning of a program's own memory. fit makes sure that there is
// enough, if necessary by making the staging ring smaller.
func (c *Context) work() gpu.Pointer { return c.memory.base.Add(c.memory.arena) }

func (c *Context) fit(program int64) error {
	m := &c.memory
	if program > m.workspace {
		return fmt.Errorf("the program takes %d bytes of workspace, %d are reserved", program, m.workspace)
	}
	if program <= m.program {
		return nil
	}
	if err := c.drainRing(); err != nil {
		return err
	}
	m.program = program
	c.layRing()
	return nil
}

// address returns the address of a tensor of this context, 0 for nil.
func (c *Context) address(t *engine.Tensor) gpu.Pointer {
	if t == nil {
		return 0
	}
	return c.memory.base.Add(t.Offset)
}

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
	unit := c.elemSize(t.Type)
	if end := t.Offset + c.Bytes(t); t.Offset < 0 || t.Offset%unit != 0 || end < t.Offset || end > c.memory.arena {
		return fmt.Errorf("%v is at byte %d, outside the reserved %d bytes", t, t.Offset, c.memory.arena)
	}
	return nil
}

// tooLarge explains how much memory is missing.
func (c *Context) tooLarge(arena, workspace, free int64, err error) error {
	const mb = 1e6
	return setting.Errorf("%.0f MB are needed (%.0f for tensors, %.0f for work and staging), %.0f MB are free on %s: choose a smaller %s: %w",
		float64(arena+workspace)/mb, float64(arena)/mb, float64(workspace)/mb, float64(free)/mb,
		c.card.device.Describe().Name, setting.Name("batch"), err)
}

func align(n int64) int64 { return (n + engine.ArenaAlign - 1) &^ (engine.ArenaAlign - 1) }
