package kernels

import (
	"fmt"

	"alexnet/engine"
	"alexnet/engine/cuda/internal/gpu"
)

// LRNPoolForward is LRNForward followed by MaxPoolForward, bit for bit, without the
// tensor between them, which is the largest of the net. It computes Y (N, OutH, OutW,
// C) and At (0 for none) from X (N, H, W, C). Response.Paper() must hold.
type LRNPoolForward struct {
	X, Y, At   gpu.Pointer
	N, H, W, C int32
	OutH, OutW int32
	Window     Window
	Response   Response

	// Set by the method: a block's tile of outputs and vectors of channels.
	tileH, tileW, slab int32
}

// LRNPoolForward enqueues the kernel.
func (k *Set) LRNPoolForward(s gpu.Stream, p LRNPoolForward) error {
	if err := fusable(p.Response, p.C, p.Window, p.H, p.W, p.OutH, p.OutW); err != nil {
		return err
	}
	name, vector := k.variant("lrn_pool_forward", p.C, p.Response.Maps)
	vectors := p.C / vector
	bytes := vector * int32(k.working.Size())
	p.slab = even(vectors, 8*16/bytes)
	p.tileH, p.tileW = even(p.OutH, 7), even(p.OutW, 9)
	for p.tileBytes(bytes) > maxShared { // windows larger than the paper's
		switch {
		case p.tileW > 1:
			p.tileW = (p.tileW + 1) / 2
		case p.tileH > 1:
			p.tileH = (p.tileH + 1) / 2
		case p.slab > 1:
			p.slab = (p.slab + 1) / 2
		}
	}
	tiles := blocks(p.OutH, p.tileH) * blocks(p.OutW, p.tileW)
	return launch(k, s, name, gpu.Launch{
		Grid:   [3]uint32{blocks(vectors, p.slab), tiles, uint32(max(p.N, 0))},
		Block:  [3]uint32{blockThreads, 1, 1},
		Shared: uint32(p.tileBytes(bytes)),
	}, &p)
}

// tileBytes returns the shared memory for the normalised pixels under a tile.
func (p *LRNPoolForward) tileBytes(vector int32) int32 {
	h := (p.tileH-1)*p.Window.Stride + p.Window.Size
	w := (p.tileW-1)*p.Window.Stride + p.Window.Size
	return h * w * p.slab * vector
}

// even returns the size of count's pieces when it is cut into the fewest pieces of at
// most limit, as equal as possible.
func even(count, limit int32) int32 {
	pieces := (count + limit - 1) / limit
	return (count + pieces - 1) / max(pieces, 1)
}

func fusable(r Response, c int32, w Window, h, wide, outH, outW int32) error {
	if !r.Paper() {
		return fmt.Errorf("lrn over %d maps with K %g, β %g can't be fused: %w", r.Size, r.K, r.Beta, gpu.ErrUnsupported)
	}
	if err := r.validate(c); err != nil {
		return err
	}
	return w.validate(h, wide, outH, outW)
}

// Fusable reports whether the fused kernels can normalise x as r says.
func Fusable(r engine.Response, x *engine.Tensor) bool {
	const maps = 256 // the most that fit a block in every layout
	return !r.Within && responseOf(r, 1, x).Paper() && x.Shape[1] <= maps
}

// LowerLRNPool translates a normalisation and the pooling of its output.
func (k *Set) LowerLRNPool(lrn engine.LRNForward, pool engine.MaxPoolForward, m Memory) Lowered {
	x, y := lrn.X.Shape, pool.Y.Shape
	return Lowered{Run: func(s gpu.Stream) error {
		return k.LRNPoolForward(s, LRNPoolForward{
			X: m.At(lrn.X), Y: m.At(pool.Y), At: m.At(pool.At),
			N: int32(x[0]), H: int32(x[2]), W: int32(x[3]), C: int32(x[1]), OutH: int32(y[2]), OutW: int32(y[3]),
			Window: windowOf(pool.Window), Response: responseOf(lrn.Response, lrn.Groups, lrn.X),
		})
	}}
}

// LowerPoolLRNBackward translates the gradients of both and, with relu, that of the ReLU
// before them.
func (k *Set) LowerPoolLRNBackward(pool engine.MaxPoolBackward, lrn engine.LRNBackward, relu bool, m Memory) Lowered {
	x, y := lrn.X.Shape, pool.DY.Shape
	return Lowered{Run: func(s gpu.Stream) error {
		return k.PoolLRNBackward(s, PoolLRNBackward{
			X: m.At(lrn.X), At: m.At(pool.At), DY: m.At(pool.DY), DX: m.At(pool.DX),
			N: int32(x[0]), H: int32(x[2]), W: int32(x[3]), C: int32(x[1]), OutH: int32(y[2]), OutW: int32(y[3]),
			Window: windowOf(pool.Window), Response: responseOf(lrn.Response, lrn.Groups, lrn.X), ReLU: Flag(relu),
		})
	}}
}

// PoolLRNBackward is MaxPoolBackward, LRNBackward and, if ReLU is not 0,
// ActivateBackward of the ReLU whose output is X, bit for bit, without the tensors
// between them. DX is X's gradient (N, H, W, C). Response.Paper() must hold.
type PoolLRNBackward struct {
	X, At, DY, DX gpu.Pointer
	N, H, W, C    int32
	OutH, OutW    int32
	Window        Window
	Response      Response
	ReLU          int32
}

// PoolLRNBackward enqueues the kernel.
func (k *Set) PoolLRNBackward(s gpu.Stream, p PoolLRNBackward) error {
	if err := fusable(p.Response, p.C, p.Window, p.H, p.W, p.OutH, p.OutW); err != nil {
		return err
	}
	name, vector := k.variant("pool_lrn_backward", p.C, p.Response.Maps)
	vectors := p.C / vector
	if limit := int32(blockThreads); vectors > limit {
		return fmt.Errorf("pool and lrn backward of %d maps, at most %d: %w", p.C, limit*vector, gpu.ErrUnsupported)
	}
	l := imageGrid(p.N, p.H*p.W, vectors)
	l.Shared = l.Block[0] * l.Block[1] * 16
	return launch(k, s, name, l, &p)
}
