package engine

import "testing"

// planContext implements as much of a context as the planner needs.
type planContext struct{ Context }

func (planContext) Bytes(t *Tensor) int64    { return int64(4 * t.Shape.Len()) }
func (planContext) Workspace(ops []Op) int64 { return int64(100 * len(ops)) }
func (planContext) Merged([]Op, int) int     { return 1 }
func (planContext) Room() (Room, error)      { return Room{}, nil }

func TestPlanArena(t *testing.T) {
	ctx, peer := planContext{}, planContext{&planContext{}}
	tensor := func(name string, life Life, c Context, floats int) *Tensor {
		return &Tensor{Name: name, Life: life, Type: Float32, Context: c, Shape: Shape{floats, 1, 1, 1}}
	}
	w := tensor("w", Persistent, ctx, 64)
	a, b, c, d := tensor("a", Scratch, ctx, 128), tensor("b", Scratch, ctx, 64), tensor("c", Scratch, ctx, 128), tensor("d", Shared, ctx, 64)
	foreign := tensor("foreign", Shared, peer, 1<<20)
	long := []Op{
		Activate{X: w, Y: a},
		Activate{X: a, Y: b}, // a dies
		Activate{X: b, Y: d}, // b dies
		Activate{X: foreign, Y: c},
		Activate{X: c, Y: c},
	}
	other := tensor("other", Scratch, ctx, 32)
	p := PlanArena(ctx, long, []Op{Activate{X: w, Y: other}})

	if p.Persistent != 256 || w.Offset != 0 {
		t.Errorf("persistent: %d bytes, w at %d, want 256 and 0", p.Persistent, w.Offset)
	}
	// a and c never live together; b lives with a and d, d to the end.
	if a.Offset != 256 || c.Offset != 256 {
		t.Errorf("a at %d, c at %d, want both at 256", a.Offset, c.Offset)
	}
	if b.Offset != 256+512 || d.Offset != 256+512+256 {
		t.Errorf("b at %d, d at %d, want 768 and 1024", b.Offset, d.Offset)
	}
	if p.Scratch != 512+256+256 {
		t.Errorf("scratch: %d bytes, want 1024", p.Scratch)
	}
	if other.Offset != 256 {
		t.Errorf("the other program's scratch is at %d, want 256: programs overlay", other.Offset)
	}
	if p.Workspace != 500 || p.Total() != 256+1024+500 {
		t.Errorf("workspace %d, total %d, want 500 and 1780", p.Workspace, p.Total())
	}
	if foreign.Offset != 0 || len(p.Tensors) != 6 {
		t.Errorf("%d tensors placed, foreign at %d, want 6 and untouched", len(p.Tensors), foreign.Offset)
	}
}

// mergingContext runs an op that reads a and the next op as one.
type mergingContext struct {
	planContext
	a *Tensor
}

func (c *mergingContext) Merged(ops []Op, i int) int {
	if ops[i].Reads()[0] == c.a {
		return 2
	}
	return 1
}

// TestPlanMerged: what two ops read and write that run as one lies apart.
func TestPlanMerged(t *testing.T) {
	plan := func(merge bool) (a, c, d int64) {
		ctx := &mergingContext{}
		var on Context = ctx
		if !merge {
			on = planContext{ctx}
		}
		tensor := func() *Tensor {
			return &Tensor{Life: Scratch, Type: Float32, Context: on, Shape: Shape{64, 1, 1, 1}}
		}
		x, y, z, last := tensor(), tensor(), tensor(), tensor()
		ctx.a = x
		PlanArena(on, []Op{Activate{X: x, Y: y}, Activate{X: y, Y: z}, Activate{X: z, Y: last}})
		return x.Offset, z.Offset, last.Offset
	}
	if a, c, _ := plan(false); a != c {
		t.Errorf("apart: the first lies at %d, the third at %d, want one place", a, c)
	}
	a, c, d := plan(true)
	if a == c {
		t.Errorf("as one: the third lies at %d where the first does", c)
	}
	if d != a {
		t.Errorf("as one: the last lies at %d, want %d: the first is read no more", d, a)
	}
}

// fusingContext leaves the tensor between the first two ops out of memory.
type fusingContext struct{ planContext }

func (fusingContext) Unstored(ops []Op, i int) *Tensor {
	if i == 0 {
		return ops[0].Writes()[0]
	}
	return nil
}

// TestPlanUnstored: a tensor that is never stored takes no memory, but where ops are
// compiled one by one.
func TestPlanUnstored(t *testing.T) {
	ctx := fusingContext{}
	tensor := func() *Tensor {
		return &Tensor{Life: Scratch, Type: Float32, Context: ctx, Shape: Shape{64, 1, 1, 1}}
	}
	x, y, z := tensor(), tensor(), tensor()
	ops := []Op{Activate{X: x, Y: y}, Activate{X: y, Y: z}}
	if p := PlanArena(ctx, ops); p.Scratch != 256 || len(p.Tensors) != 2 {
		t.Errorf("fused: %d bytes of %d tensors, want 256 of 2", p.Scratch, len(p.Tensors))
	}
	if p := planArena(ctx, false, [][]Op{ops}); p.Scratch != 512 || len(p.Tensors) != 3 {
		t.Errorf("apart: %d bytes of %d tensors, want 512 of 3", p.Scratch, len(p.Tensors))
	}
}
