package cuda

import (
	"fmt"

	"alexnet/engine"
	"alexnet/engine/cuda/internal/gpu"
	"alexnet/engine/cuda/internal/kernels"
)

// wireBytes is the most memory of sums in bfloat16 besides their tensors. Larger sums are
// sent in several parts.
const wireBytes = 16 << 20

// lowerAllReduces translates sums that begin at the same time.
func (c *Context) lowerAllReduces(ops []engine.AllReduce) step {
	r, first := &c.ranks, ops[0]
	what := fmt.Sprintf("the sum of %v over %d ranks", first.T, first.By.Size())
	if len(ops) > 1 {
		what = fmt.Sprintf("the sum of %v and %d more over %d ranks", first.T, len(ops)-1, first.By.Size())
	}
	if first.T.Type == engine.Int32 {
		return step{apart: func(gpu.Pointer) error {
			return c.sum(what, func() error { return r.by.AllReduceFlag(r.stream, c.address(first.T)) })
		}}
	}
	if c.options.Wire == BF16 {
		turns, wire := cutForWire(ops)
		return step{wire: wire, apart: func(wire gpu.Pointer) error {
			return c.sum(what, func() error { return c.sumNarrow(turns, wire) })
		}}
	}
	arrays := make([]gpu.Array, len(ops))
	return step{apart: func(gpu.Pointer) error {
		for i, op := range ops {
			arrays[i] = gpu.Array{At: c.address(op.T), Count: int64(op.T.Shape.Len())}
		}
		return c.sum(what, func() error { return r.by.AllReduce(r.stream, arrays, gpu.Float32) })
	}}
}

// stretch is count elements of a tensor, from first on, and their position on the wire in
// bytes.
type stretch struct {
	t                *engine.Tensor
	first, count, at int64
}

// cutForWire divides tensors into parts that fit the wire, and returns their largest
// size.
func cutForWire(ops []engine.AllReduce) (turns [][]stretch, wire int64) {
	var turn []stretch
	var used int64
	for _, op := range ops {
		n := int64(op.T.Shape.Len())
		for first := int64(0); first < n; {
			if used == wireBytes {
				turns, turn, used = append(turns, turn), nil, 0
			}
			count := min((wireBytes-used)/gpu.BFloat16.Size(), n-first)
			turn = append(turn, stretch{op.T, first, count, used})
			first += count
			used += align(count * gpu.BFloat16.Size())
			wire = max(wire, used)
		}
	}
	return append(turns, turn), wire
}

// sumNarrow sums float32 in bfloat16: values are rounded before they are sent and again
// when they are added.
func (c *Context) sumNarrow(turns [][]stretch, wire gpu.Pointer) error {
	s := c.ranks.stream
	var arrays []gpu.Array
	for _, turn := range turns {
		arrays = arrays[:0]
		for _, p := range turn {
			a := gpu.Array{At: wire.Add(p.at), Count: p.count}
			if err := c.kernels.Cast(s, kernels.Cast{X: c.address(p.t).Add(4 * p.first), Y: a.At, Count: p.count}, gpu.Float32, gpu.BFloat16); err != nil {
				return err
			}
			arrays = append(arrays, a)
		}
		if err := c.ranks.by.AllReduce(s, arrays, gpu.BFloat16); err != nil {
			return err
		}
		for i, p := range turn {
			if err := c.kernels.Cast(s, kernels.Cast{X: arrays[i].At, Y: c.address(p.t).Add(4 * p.first), Count: p.count}, gpu.BFloat16, gpu.Float32); err != nil {
				return err
			}
		}
	}
	return nil
}

// spread is an exchange of activations on the compute stream. Ranks exchange blocks, one
// for each rank. Slices along the images are blocks already; slices along the maps are
// packed into blocks, and unpacked, in the workspace.
type spread struct {
	c     *Context
	what  string
	ranks int
	block int64 // elements
	size  int64 // bytes of all blocks, aligned
}

func (c *Context) spreadOf(op engine.Op, whole *engine.Tensor, by engine.Group) spread {
	n := int64(whole.Shape.Len())
	return spread{c, fmt.Sprintf("the %s of %v over %d ranks", op.Kind(), whole, by.Size()), by.Size(), n / int64(by.Size()), align(n * c.working.Size())}
}

func (x *spread) allToAll(dst, src gpu.Pointer) error {
	c := x.c
	return c.exchange(c.compute, x.what, func() error {
		return c.ranks.by.AllToAll(c.compute, dst, src, x.block, c.working)
	})
}

func (x *spread) allGather(dst, src gpu.Pointer) error {
	c := x.c
	return c.exchange(c.compute, x.what, func() error {
		return c.ranks.by.AllGather(c.compute, dst, src, x.block, c.working)
	})
}

// blockAt returns the address of the r-th block.
func (x *spread) blockAt(packed gpu.Pointer, r int) gpu.Pointer {
	return packed.Add(int64(r) * x.block * x.c.working.Size())
}

// pack copies maps [r·C, (r+1)·C) of whole (rows, ranks·C) to the r-th block, for
// every r; unpack copies them back.
func (x *spread) pack(packed gpu.Pointer, whole *engine.Tensor) error {
	rows, maps := whole.Shape[0], whole.Shape[1]/x.ranks
	for r := range x.ranks {
		p := kernels.SumSlices{
			Y: x.blockAt(packed, r), Count: 1,
			Rows: int32(rows), C: int32(maps), PartChannels: int32(whole.Shape[1]), First: int32(r * maps),
		}
		p.Parts[0] = x.c.address(whole)
		if err := x.c.kernels.SumSlices(x.c.compute, p); err != nil {
			return err
		}
	}
	return nil
}

func (x *spread) unpack(whole *engine.Tensor, packed gpu.Pointer) error {
	rows, maps := whole.Shape[0], whole.Shape[1]/x.ranks
	for r := range x.ranks {
		if err := x.c.kernels.Concat(x.c.compute, kernels.Concat{
			X: x.blockAt(packed, r), Y: x.c.address(whole),
			Rows: int32(rows), C: int32(maps), YChannels: int32(whole.Shape[1]), First: int32(r * maps),
		}); err != nil {
			return err
		}
	}
	return nil
}

// add writes the sum of the blocks, in order of the ranks and in float32, to y. More
// than MaxParts blocks are added to y in several calls.
func (x *spread) add(y *engine.Tensor, packed gpu.Pointer) error {
	s, at := y.Shape, x.c.address(y)
	for r := 0; r < x.ranks; {
		p := kernels.SumSlices{Y: at, Rows: int32(s[0] * s[2] * s[3]), C: int32(s[1]), PartChannels: int32(s[1])}
		if r > 0 {
			p.Parts[0], p.Count = at, 1
		}
		for ; p.Count < kernels.MaxParts && r < x.ranks; r++ {
			p.Parts[p.Count] = x.blockAt(packed, r)
			p.Count++
		}
		if err := x.c.kernels.SumSlices(x.c.compute, p); err != nil {
			return err
		}
	}
	return nil
}

func (c *Context) lowerAllGather(op engine.AllGather) step {
	x := c.spreadOf(op, op.Y, op.By)
	if op.Axis == engine.Images {
		return step{apart: func(gpu.Pointer) error { return x.allGather(c.address(op.Y), c.address(op.X)) }}
	}
	return step{work: x.size, apart: func(gpu.Pointer) error {
		if err := x.allGather(c.work(), c.address(op.X)); err != nil {
			return err
		}
		return x.unpack(op.Y, c.work())
	}}
}

// lowerReduceScatter sends every rank its slice and adds the received ones. It moves
// as many bytes as NCCL's own reduce-scatter, but rounds bfloat16 once and not at
// every rank.
func (c *Context) lowerReduceScatter(op engine.ReduceScatter) step {
	x := c.spreadOf(op, op.X, op.By)
	if op.Axis == engine.Images {
		return step{work: x.size, apart: func(gpu.Pointer) error {
			if err := x.allToAll(c.work(), c.address(op.X)); err != nil {
				return err
			}
			return x.add(op.Y, c.work())
		}}
	}
	return step{work: 2 * x.size, apart: func(gpu.Pointer) error {
		received, sent := c.work(), c.work().Add(x.size)
		if err := x.pack(sent, op.X); err != nil {
			return err
		}
		if err := x.allToAll(received, sent); err != nil {
			return err
		}
		return x.add(op.Y, received)
	}}
}

func (c *Context) lowerAllToAll(op engine.AllToAll) step {
	x := c.spreadOf(op, op.X, op.By)
	if op.Axis == engine.Maps { // rows of X are blocks already
		return step{work: x.size, apart: func(gpu.Pointer) error {
			if err := x.allToAll(c.work(), c.address(op.X)); err != nil {
				return err
			}
			return x.unpack(op.Y, c.work())
		}}
	}
	return step{work: x.size, apart: func(gpu.Pointer) error {
		if err := x.pack(c.work(), op.X); err != nil {
			return err
		}
		return x.allToAll(c.address(op.Y), c.work())
	}}
}
