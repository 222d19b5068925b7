package kernels

import (
	"fmt"

	"alexnet/engine"
	"alexnet/engine/cuda/internal/gpu"
)

// Response holds the constants of local response normalisation
// (engine.Response). Across maps, group after group of Maps maps each.
type Response struct {
	Maps  int32   // of a group: C/groups; not used within a map
	Size  int32   // maps, or pixels a side, of the neighbourhood
	K     float32 // as engine.Response
	Alpha float32 // engine.Response.AlphaPerTerm
	Beta  float32
}

// Paper reports whether the fast and the fused kernels can use the constants: five
// maps, β 0.75 (two square roots instead of a power) and a K that keeps denominators
// from being subnormal. The paper's K is 2; α may be any value.
func (r Response) Paper() bool {
	return r.Size == 5 && r.Beta == 0.75 && r.K >= 1e-30 && r.Alpha >= 0
}

func (r Response) validate(c int32) error {
	if r.Size < 1 || r.Maps < 1 || c%r.Maps != 0 {
		return fmt.Errorf("lrn over %d of %d maps, %d in a group", r.Size, c, r.Maps)
	}
	return nil
}

func responseOf(r engine.Response, groups int, x *engine.Tensor) Response {
	return Response{
		Maps: int32(x.Shape[1] / groups), Size: int32(r.Size),
		K: float32(r.K), Alpha: float32(r.AlphaPerTerm()), Beta: float32(r.Beta),
	}
}

func (k *Set) lowerLRNForward(op engine.LRNForward, m Memory) Lowered {
	x, r := op.X.Shape, responseOf(op.Response, op.Groups, op.X)
	return Lowered{Run: func(s gpu.Stream) error {
		if op.Within {
			return k.LRNWithinForward(s, LRNWithinForward{
				X: m.At(op.X), Y: m.At(op.Y), N: int32(x[0]), H: int32(x[2]), W: int32(x[3]), C: int32(x[1]), Response: r,
			})
		}
		return k.LRNForward(s, LRNForward{
			X: m.At(op.X), Y: m.At(op.Y), Rows: int32(x[0] * x[2] * x[3]), C: int32(x[1]), Response: r,
		})
	}}
}

func (k *Set) lowerLRNBackward(op engine.LRNBackward, m Memory) Lowered {
	x, r := op.X.Shape, responseOf(op.Response, op.Groups, op.X)
	if op.Within {
		return Lowered{Work: 4 * int64(x.Len()), Run: func(s gpu.Stream) error {
			return k.LRNWithinBackward(s, LRNWithinBackward{
				X: m.At(op.X), DY: m.At(op.DY), DX: m.At(op.DX), Pull: m.Work(),
				N: int32(x[0]), H: int32(x[2]), W: int32(x[3]), C: int32(x[1]), Response: r,
			})
		}}
	}
	return Lowered{Run: func(s gpu.Stream) error {
		return k.LRNBackward(s, LRNBackward{
			X: m.At(op.X), DY: m.At(op.DY), DX: m.At(op.DX), Rows: int32(x[0] * x[2] * x[3]), C: int32(x[1]), Response: r,
		})
	}}
}

// LRNForward normalises across maps: Y = X·(K + Alpha·Σ X²)^−Beta.
type LRNForward struct {
	X, Y     gpu.Pointer
	Rows, C  int32
	Response Response
}

// LRNForward enqueues the kernel.
func (k *Set) LRNForward(s gpu.Stream, p LRNForward) error {
	if err := p.Response.validate(p.C); err != nil {
		return err
	}
	name, vector := k.responseVariant("lrn_forward", p.C, p.Response)
	return launch(k, s, name, rowGrid(p.Rows, p.C/vector), &p)
}

// responseVariant is variant for normalisation. The vector kernel also needs the paper's
// constants, vectors within a group, and a whole pixel in a block.
func (k *Set) responseVariant(name string, c int32, r Response) (string, int32) {
	full, vector := k.variant(name, c, r.Maps)
	if vector > 1 && (!r.Paper() || c/vector > blockThreads) {
		return full + "_any", 1
	}
	return full, vector
}

// LRNBackward is the gradient of LRNForward, from its X and from DY. DX may be
// DY.
type LRNBackward struct {
	X, DY, DX gpu.Pointer
	Rows, C   int32
	Response  Response
}

// maxMaps is the most maps that LRNBackward normalises with constants other than the
// paper's: three floats each in a block's shared memory.
const maxMaps = maxShared / 12

// LRNBackward enqueues the kernel.
func (k *Set) LRNBackward(s gpu.Stream, p LRNBackward) error {
	if err := p.Response.validate(p.C); err != nil {
		return err
	}
	name, vector := k.responseVariant("lrn_backward", p.C, p.Response)
	if vector == 1 {
		if p.C > maxMaps {
			return fmt.Errorf("lrn backward over %d maps, at most %d", p.C, maxMaps)
		}
		l := wholeRows(p.Rows, p.C)
		l.Shared = l.Block[1] * uint32(p.C) * 12
		return launch(k, s, name, l, &p)
	}
	l := wholeRows(p.Rows, p.C/vector)
	l.Shared = l.Block[0] * l.Block[1] * 16
	return launch(k, s, name, l, &p)
}

// wholeRows is rowGrid with every row in one block. If a row is longer than the block,
// its threads loop.
func wholeRows(rows, vectors int32) gpu.Launch {
	l := rowGrid(rows, vectors)
	l.Grid[1] = 1
	return l
}

// LRNWithinForward normalises within each map, over squares of Size×Size pixels.
type LRNWithinForward struct {
	X, Y       gpu.Pointer
	N, H, W, C int32
	Response   Response
}

// LRNWithinForward enqueues the kernel.
func (k *Set) LRNWithinForward(s gpu.Stream, p LRNWithinForward) error {
	if p.Response.Size < 1 {
		return fmt.Errorf("lrn over %d×%d pixels", p.Response.Size, p.Response.Size)
	}
	name, vector := k.variant("lrn_within_forward", p.C)
	return launch(k, s, name, imageGrid(p.N, p.H*p.W, p.C/vector), &p)
}

// LRNWithinBackward is the gradient of LRNWithinForward. DX may be DY. Pull is
// workspace, float32 (N, H, W, C).
type LRNWithinBackward struct {
	X, DY, DX, Pull gpu.Pointer
	N, H, W, C      int32
	Response        Response
}

// LRNWithinBackward enqueues two kernels: every pixel's pull on its neighbours,
// then their sums.
func (k *Set) LRNWithinBackward(s gpu.Stream, p LRNWithinBackward) error {
	if p.Response.Size < 1 {
		return fmt.Errorf("lrn over %d×%d pixels", p.Response.Size, p.Response.Size)
	}
	pull, vector := k.variant("lrn_within_pull", p.C)
	l := imageGrid(p.N, p.H*p.W, p.C/vector)
	if err := launch(k, s, pull, l, &p); err != nil {
		return err
	}
	gather, _ := k.variant("lrn_within_gather", p.C)
	return launch(k, s, gather, l, &p)
}

// imageGrid is rowGrid with images along another axis, so that a thread finds its row and
// column with one small division.
func imageGrid(n, pixels, vectors int32) gpu.Launch {
	l := rowGrid(pixels, vectors)
	l.Grid[2] = uint32(max(n, 0))
	return l
}
