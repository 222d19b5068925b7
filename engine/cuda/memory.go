package cuda

import (
	"errors"
	"fmt"

	"alexnet/engine"
	"alexnet/engine/cuda/internal/gpu"
	"alexnet/internal/setting"
)

// memory is the one allocation of a context: the arena with its tensors, then
// what running ops takes, then the staging ring.
type memory struct {
	reserved         bool
	base             gpu.Pointer
	arena, workspace int64 // bytes reserved
	program          int64 // the part of the workspace that programs use; the ring has the rest
	seen             []need
}

// need is what one list of ops takes: working memory, and staging besides.
type need struct{ work, staging int64 }

// Workspace is what running ops takes: the largest product's or convolution's
// own memory, converted copies of its operands, tensors fetched from another
// GPU; and staging for what the host sends and reads.
func (c *Context) Workspace(ops []engine.Op) int64 {
	n := need{staging: c.staging(ops)}
	if c.ready("workspace") == nil {
		_ = c.call(func() error {
			steps, _ := c.lowerAll(ops) // Compile says what is wrong with an op
			n.work = workspaceOf(steps)
			return nil
		})
	}
	c.memory.seen = append(c.memory.seen, n)
	return n.work + n.staging
}

// Reserve takes the memory. It is refused before any work when the GPU hasn't
// that much.
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

// programPart is what the programs that a workspace was planned for use of it
// themselves. The rest is for staging.
func (m *memory) programPart(workspace int64) (most int64) {
	for _, n := range m.seen {
		if n.work+n.staging <= workspace {
			most = max(most, n.work)
		}
	}
	return most
}

// work is where a program's own memory begins; fit makes sure that there is so
// much of it, if need be at the cost of the staging ring.
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

// address is where a tensor of this context lies.
func (c *Context) address(t *engine.Tensor) gpu.Pointer { return c.memory.base.Add(t.Offset) }

// owner is the context whose arena holds t, which may be a peer's.
func owner(t *engine.Tensor) *Context { return t.Context.(*Context) }

// placed reports a tensor that is not in this context's arena.
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

// tooLarge says what is missing.
func (c *Context) tooLarge(arena, workspace, free int64, err error) error {
	const mb = 1e6
	return setting.Errorf("%.0f MB are needed (%.0f for tensors, %.0f for work and staging), %.0f MB are free on %s: choose a smaller %s: %w",
		float64(arena+workspace)/mb, float64(arena)/mb, float64(workspace)/mb, float64(free)/mb,
		c.card.device.Describe().Name, setting.Name("batch"), err)
}

func align(n int64) int64 { return (n + engine.ArenaAlign - 1) &^ (engine.ArenaAlign - 1) }
