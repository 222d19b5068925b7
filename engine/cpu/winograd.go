package cpu

import (
	"sync/atomic"

	"alexnet/engine"
	"alexnet/engine/cpu/internal/kernel"
)

// A convolution of 3×3 or 5×5 and stride 1 is computed by Winograd's minimal
// filtering F(2×2, 3×3) or F(2×2, 5×5): tiles of 4×4 or 6×6 input pixels, 2 apart,
// and the weights are transformed; for each entry of a tile the tiles' maps are
// multiplied by the weights'; what comes out is transformed to tiles of 2×2 output
// pixels. That is 16 products where the definition has 36, or 36 where it has 100.
//
// An infinity, or a product too large for float32, would come out as NaN. So an
// image whose output is not finite throughout is computed again by definition.

// winograd is the geometry of one such convolution.
type winograd struct {
	convShape
	kernels      *kernel.Set
	filter       kernel.Filter
	entries      int // of a transformed tile
	m            int // output maps that are multiplied before they are transformed
	across, down int // tiles of an image
	rows         int // rows of tiles in a block; a block may go over images
	blocks       int // blocks of a group
	input        side
}

// side is one of the two tensors whose maps are cut into tiles.
type side struct {
	slab  *tiling // one map's rows of tiles
	maps  int     // of a group
	plane int     // floats of a map
	image int     // floats of an image, all groups
	// transform writes the entries of the tiles in a slab.
	transform func(v *float32, plane int, x *float32, pitch, phase, rows, tiles int)
}

// winogradWins reports whether the transforms cost less than they save: they are
// shared by all maps of the other side. Those of constant weights cost nothing.
func (s *convShape) winogradWins(kernels *kernel.Set, constant bool) bool {
	pixels := 256
	if constant {
		pixels = 64
	}
	return (s.Size == 3 || s.Size == 5) && s.Stride == 1 && s.in >= 32 && s.out >= 32 &&
		ceilDiv(s.ow, 2) <= kernels.Block.N && s.images*s.oh*s.ow >= pixels
}

func newWinograd(s convShape, kernels *kernel.Set) *winograd {
	w := &winograd{convShape: s, kernels: kernels, entries: (s.Size + 1) * (s.Size + 1), across: ceilDiv(s.ow, 2), down: ceilDiv(s.oh, 2)}
	for _, f := range kernels.Winograd {
		if f.Size == s.Size {
			w.filter = f
		}
	}
	w.m = max(16*kernels.Block.M/w.entries/kernels.MR, 1) * kernels.MR
	w.rows = min(kernels.Block.N/w.across, s.images*w.down)
	w.blocks = ceilDiv(s.images*w.down, w.rows)
	w.input = side{w.tilesOf(s.Size+1, s.Pad, s.h, s.w), s.in, s.h * s.w, s.groups * s.xg, w.filter.Input}
	return w
}

// tilesOf is the slab of tiles of size² pixels, 2 apart, of h×w pixels.
func (w *winograd) tilesOf(size, pad, height, width int) *tiling {
	return &tiling{
		convShape: &convShape{Window: engine.Window{Size: size, Stride: 2, Pad: pad}, in: 1, h: height, w: width},
		slabRows:  2*w.rows + size - 2, phase: w.across + size/2 - 1, kernels: w.kernels,
	}
}

// tiles is the tiles of a whole block, rounded up to panels.
func (w *winograd) tiles() int { return roundUp(w.rows*w.across, w.kernels.NR) }

// Sizes in floats of what a part keeps in its scratch memory. The distance
// between the planes of products is no multiple of a page, so that the
// entries of a tile don't meet in one set of the cache.
func (w *winograd) stagePlane() int   { return w.tiles() + w.kernels.Lanes }
func (w *winograd) transformed() int  { return w.entries * w.in * w.tiles() }
func (w *winograd) productPlane() int { return w.m*w.tiles() + w.kernels.NR }
func (w *winograd) staged() int       { return 2*w.rows*w.ow + 2*w.kernels.Lanes }

// run is a number of rows of tiles of one image: tile is the first one's place
// in the block.
type run struct{ image, row, rows, tile int }

// runs calls f for the images that a block goes over.
func (w *winograd) runs(block int, f func(r run)) {
	first := block * w.rows
	end := min(first+w.rows, w.images*w.down)
	for at := first; at < end; {
		r := run{image: at / w.down, row: at % w.down, tile: (at - first) * w.across}
		r.rows = min(w.down-r.row, end-at)
		f(r)
		at += r.rows
	}
}

// fewParts is the number of parts below which the blocks of a convolution are
// divided over their maps too.
const fewParts = 16

// lowerWinograd computes y from x like lowerDirect. Blocks are parts of one stage,
// in whose scratch memory their tiles are transformed. Where there are few of them,
// as in a batch of one image, one stage transforms slices of their input maps into
// the shared workspace, and another multiplies slices of their output maps.
func (c *Context) lowerWinograd(s convShape, x, y, bias *engine.Tensor, relu bool, pack packer, weights *engine.Tensor) lowered {
	w := newWinograd(s, c.kernels)
	mr, blockK := c.kernels.MR, c.kernels.Block.K
	panels := ceilDiv(s.out, mr)
	entry := c.packedA(s.out, s.in) // floats of one entry of a group's weights
	again := c.lowerDirect(s, x, y, bias, relu, pack, nil)
	l := lowered{shared: s.groups * w.entries * entry}
	if weights != nil {
		l.constant = &constant{weights: weights, floats: l.shared}
		l.shared = 0
	}
	u := l.constant
	l.stages = c.keep(u, stage{s.groups * panels, func(k *worker, part int) {
		to := u.of(c)[part/panels*w.entries*entry+part%panels*s.in*mr:]
		w.filter.Weights(pointer(to), entry, pointer(pack(k, part)), s.in)
	}})

	// A slice of the output maps, all of them where there are many parts.
	parts, slice, slices := s.groups*w.blocks, s.out, 1
	if parts < fewParts {
		slices = min(ceilDiv(fewParts, parts), panels)
		slice = ceilDiv(panels, slices) * mr
		slices = ceilDiv(s.out, slice)
		w.m = min(w.m, slice)
	}
	tiles := l.shared // where the transformed tiles are that several parts share
	if slices > 1 {
		l.shared += parts * w.transformed()
		const maps = 16
		over := ceilDiv(s.in, maps)
		l.stages = append(l.stages, stage{parts * over, func(k *worker, part int) {
			block, first := part/over, part%over*maps
			w.transformInput(c.shared[tiles+block*w.transformed():], k.scratch, c.floats(x)[block/w.blocks*s.xg:], block%w.blocks, first, min(s.in, first+maps))
		}})
	}

	odd := make([]atomic.Bool, s.images*s.groups) // images that are not finite
	var anyOdd atomic.Bool
	l.stages = append(l.stages, stage{parts * slices, func(k *worker, part int) {
		g, block, first := part/slices/w.blocks, part/slices%w.blocks, part%slices*slice
		rest := k.scratch
		var v []float32
		if slices > 1 {
			v = c.shared[tiles+part/slices*w.transformed():]
		} else {
			v, rest = rest[:w.transformed()], rest[w.transformed():]
			w.transformInput(v, rest, c.floats(x)[g*s.xg:], block, 0, s.in)
		}
		n := w.tilesIn(block)
		products, staged := rest[:w.entries*w.productPlane()], rest[w.entries*w.productPlane():]
		end := min(s.out, first+slice)
		for o := first; o < end; o += w.m {
			maps := min(w.m, end-o)
			for e := range w.entries {
				a, out := u.of(c)[(g*w.entries+e)*entry+o*s.in:], products[e*w.productPlane():]
				for k0 := 0; k0 < s.in; k0 += blockK {
					depth := min(blockK, s.in-k0)
					c.multiply(k, maps, n, depth, a[k0*mr:], s.in*mr, v[(e*s.in+k0)*n:], out, n, k0 > 0)
				}
			}
			for m := range maps {
				w.runs(block, func(r run) {
					w.filter.Output(pointer(staged), s.ow, pointer(products[m*n+r.tile:]), w.productPlane(), r.rows, w.across)
					out := c.floats(y)[(r.image*s.groups+g)*s.yg+(o+m)*s.oh*s.ow+2*r.row*s.ow:][:min(2*r.rows, s.oh-2*r.row)*s.ow]
					copy(out, staged)
					if !c.kernels.Finite(out) {
						odd[r.image*s.groups+g].Store(true)
						anyOdd.Store(true)
					}
					if bias != nil {
						c.kernels.AddBias(out, c.floats(bias)[g*s.out+o+m], relu)
					}
				})
			}
		}
	}})

	packAgain, correlate := again.stages[0], again.stages[1]
	perImage := correlate.parts / len(odd)
	l.stages = append(l.stages,
		stage{packAgain.parts, func(k *worker, part int) {
			if anyOdd.Load() {
				packAgain.run(k, part)
			}
		}},
		stage{correlate.parts, func(k *worker, part int) {
			if odd[part/perImage].Load() {
				correlate.run(k, part)
			}
		}},
		stage{1, func(*worker, int) {
			if anyOdd.Swap(false) {
				clear(odd)
			}
		}})
	l.shared = max(l.shared, again.shared)
	l.scratch = max(w.transformed()+max(w.input.slab.slabSize()+w.entries*w.stagePlane(), w.entries*w.productPlane()+w.staged()), again.scratch)
	return l
}

// tilesIn is the number of tiles of a block, rounded up to panels.
func (w *winograd) tilesIn(block int) int {
	first := block * w.rows
	return roundUp((min(first+w.rows, w.images*w.down)-first)*w.across, w.kernels.NR)
}

// transformInput packs a block's tiles of input maps first, …, end−1 for multiply,
// entry after entry. x starts at the group's first map.
func (w *winograd) transformInput(v, scratch, x []float32, block, first, end int) {
	nr, blockK := w.kernels.NR, w.kernels.Block.K
	stage, slab := scratch[:w.entries*w.stagePlane()], scratch[w.entries*w.stagePlane():]
	n := w.tilesIn(block)
	for in := first; in < end; in++ {
		w.stageTiles(&w.input, stage, slab, x, in, block)
		k0 := in / blockK * blockK
		depth := min(blockK, w.in-k0)
		for e := range w.entries {
			to := v[(e*w.in+k0)*n+(in-k0)*nr:]
			w.kernels.PackPanels(pointer(to), depth*nr, pointer(stage[e*w.stagePlane():]), 0, 1, n/nr)
		}
	}
}

// stageTiles transforms a block's tiles of one map, each entry to a plane of
// stage, and fills their number up to whole panels with zeros. x starts at the
// group's first map.
func (w *winograd) stageTiles(s *side, stage, slab, x []float32, m, block int) {
	n := 0
	w.runs(block, func(r run) {
		s.slab.fill(slab, x[r.image*s.image+m*s.plane:][:s.plane], r.row, r.rows)
		s.transform(pointer(stage[r.tile:]), w.stagePlane(), pointer(slab), s.slab.pitch(), s.slab.phase, r.rows, w.across)
		n = r.tile + r.rows*w.across
	})
	padded := w.tilesIn(block)
	for e := range w.entries {
		clear(stage[e*w.stagePlane():][n:padded])
	}
}
