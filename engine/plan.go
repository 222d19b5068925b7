package engine

import "sort"

// ArenaAlign is the alignment in bytes of every tensor in an arena.
const ArenaAlign = 256

// Plan says where the tensors of one context lie, and how much memory they take.
type Plan struct {
	Context    Context
	Persistent int64 // bytes that last: weights, momentum, gradients, inputs
	Scratch    int64 // bytes shared by the programs' scratch tensors
	Workspace  int64 // bytes for kernels, and for the libraries that they call
	Staging    int64 // the part of Workspace for copies from and to the host; as many bytes lie on the host
	Tensors    []*Tensor
}

// Arena returns the number of bytes for tensors.
func (p *Plan) Arena() int64 { return p.Persistent + p.Scratch }

// Total returns the number of bytes that the context takes.
func (p *Plan) Total() int64 { return p.Arena() + p.Workspace }

// PlanArena sets the offset of every tensor of ctx that the programs use. Persistent
// tensors come first. Above them lie the scratch tensors of each program, which
// overlay those of the other programs. Within a program two scratch tensors share
// memory if their lives (first write to last read, in op order) do not overlap. Ops
// that a context runs as one count as one op.
//
// A tensor that a Fuser never stores gets no place.
func PlanArena(ctx Context, programs ...[]Op) *Plan { return planArena(ctx, true, programs) }

// planArena is PlanArena. If fused is false, ops are compiled one by one, so that every
// tensor is stored.
func planArena(ctx Context, fused bool, programs [][]Op) *Plan {
	p := &Plan{Context: ctx}
	placed := map[*Tensor]bool{}
	each(ctx, programs, func(t *Tensor) {
		if t.Life == Persistent && !placed[t] {
			placed[t] = true
			t.Offset = p.Persistent
			p.Persistent += arenaBytes(ctx, t)
			p.Tensors = append(p.Tensors, t)
		}
	})
	for _, ops := range programs {
		tensors, size := planScratch(ctx, ops, unstored(ctx, fused, ops))
		for _, t := range tensors {
			t.Offset += p.Persistent
		}
		p.Tensors = append(p.Tensors, tensors...)
		p.Scratch = max(p.Scratch, size)
	}
	// A plan that doesn't fit is refused without its workspace, which takes time and memory
	// to count.
	if r, err := ctx.Room(); err != nil || r.Total == 0 || p.Arena() <= r.Total {
		for _, ops := range programs {
			p.Workspace = max(p.Workspace, ctx.Workspace(ops))
		}
	}
	if s, ok := ctx.(PinnedMemory); ok {
		p.Staging = s.Staging(p.Workspace)
	}
	return p
}

// Fuser is implemented by contexts that fuse ops through a tensor that they never store.
type Fuser interface {
	// Unstored returns the Scratch tensor that ops[i] and the op behind it leave out of
	// memory, or nil.
	Unstored(ops []Op, i int) *Tensor
}

// unstored returns the tensors that fused ops don't store.
func unstored(ctx Context, fused bool, ops []Op) map[*Tensor]bool {
	out := map[*Tensor]bool{}
	if f, ok := ctx.(Fuser); ok && fused {
		for i := range ops {
			if t := f.Unstored(ops, i); t != nil {
				out[t] = true
			}
		}
	}
	return out
}

// life is a scratch tensor's first and last op.
type life struct {
	t           *Tensor
	first, last int
	size        int64
}

// planScratch places one program's scratch tensors from offset 0: the largest first,
// each at the lowest offset that is free throughout its life.
func planScratch(ctx Context, ops []Op, unstored map[*Tensor]bool) ([]*Tensor, int64) {
	lives := map[*Tensor]*life{}
	var order []*life
	first, end := 0, 0 // of the ops that are fused
	for i, op := range ops {
		if i == end {
			first, end = i, i+ctx.Merged(ops, i)
		}
		for _, t := range append(op.Reads(), op.Writes()...) {
			if t.Context != ctx || t.Life == Persistent || unstored[t] {
				continue
			}
			l := lives[t]
			if l == nil {
				l = &life{t: t, first: first, size: arenaBytes(ctx, t)}
				lives[t] = l
				order = append(order, l)
			}
			l.last = end - 1
			if t.Life == Shared {
				l.last = len(ops)
			}
		}
	}
	sort.SliceStable(order, func(i, j int) bool { return order[i].size > order[j].size })
	var total int64
	tensors := make([]*Tensor, 0, len(order))
	var done []*life // sorted by offset
	for _, l := range order {
		at := int64(0)
		for _, d := range done {
			if d.last < l.first || l.last < d.first {
				continue
			}
			if at+l.size <= d.t.Offset {
				break
			}
			at = max(at, d.t.Offset+d.size)
		}
		l.t.Offset = at
		total = max(total, at+l.size)
		k := sort.Search(len(done), func(i int) bool { return done[i].t.Offset > at })
		done = append(done, nil)
		copy(done[k+1:], done[k:])
		done[k] = l
		tensors = append(tensors, l.t)
	}
	return tensors, total
}

func each(ctx Context, programs [][]Op, f func(*Tensor)) {
	for _, ops := range programs {
		for _, op := range ops {
			for _, t := range append(op.Reads(), op.Writes()...) {
				if t.Context == ctx {
					f(t)
				}
			}
		}
	}
}

func arenaBytes(ctx Context, t *Tensor) int64 {
	return (ctx.Bytes(t) + ArenaAlign - 1) &^ (ArenaAlign - 1)
}
