package cpu

import (
	"math"
	"sync/atomic"

	"alexnet/engine"
	"alexnet/engine/cpu/internal/kernel"
)

// A convolution of 3×3 or 5×5 and stride 1 is computed by Winograd's minimal filtering
// F(4×4, 3×3), F(2×2, 3×3) or F(2×2, 5×5). Tiles of 6×6 or 4×4 input pixels, 4 or 2
// apart, and the weights are transformed. For each entry of a tile, the tiles' maps are
// multiplied by the weights'. The products are transformed to tiles of 4×4 or 2×2 output
// pixels. This takes 36 products instead of the definition's 144, 16 instead of 36, or 36
// instead of 100.
//
// Tiles of 4×4 would exceed small maps, so the images of a batch are first laid out as a
// mosaic, in which neighbours share their padding: 2×2 maps of 13×13 make one of 27×27,
// which takes 7×7 tiles instead of 8×8.
//
// An infinity, or a product too large for float32, would become NaN. So an image with an
// output that is not finite is computed again by definition.

// winograd is the geometry of one such convolution.
type winograd struct {
	convShape
	kernels      *kernel.Set
	filter       kernel.Filter
	entries      int // of a transformed tile
	m            int // output maps that are multiplied before the next transform
	beside, tall int // images of a mosaic, horizontally and vertically
	across, down int // tiles of a mosaic
	rows         int // rows of tiles in a block; a block may extend over several mosaics
	blocks       int // blocks of a group
	input        side
}

// winogradTiles is the number of tiles in a correlation's block. winogradProducts is the
// number of floats of products that are transformed at a time: a third of a second-level
// cache of 1 MB, beside the tiles of a few entries.
const (
	winogradTiles    = 128
	winogradProducts = 80 << 10
)

// side is one of the two tensors whose maps are cut into tiles.
type side struct {
	size  int // of a tile
	pad   int // pixels before the mosaic's first one
	h, w  int // of an image
	maps  int // of a group
	image int // floats of an image, all groups
	// transform writes the entries of the tiles in a slab.
	transform func(v *float32, plane int, x *float32, pitch, phase, rows, tiles int)
}

// winogradWins reports whether the transforms cost less than they save; all maps of the
// other side share them. The transforms of constant weights cost nothing.
func (s *convShape) winogradWins(kernels *kernel.Set, constant bool) bool {
	pixels := 256
	if constant {
		pixels = 64
	}
	return (s.Size == 3 || s.Size == 5) && s.Stride == 1 && s.in >= 32 && s.out >= 32 &&
		ceilDiv(s.ow, 2) <= kernels.Block.N && s.images*s.oh*s.ow >= pixels
}

// accurate reports whether the error of f stays below a quarter of the definition's bound
// in every output. An output in a corner has the fewest terms, t; with terms up to 1, a
// quarter on average, its bound is 4·2⁻²⁴·t^1.5. The error of f is relative to a whole
// window's sum, √(in·Size²)/3.
func (s *convShape) accurate(f *kernel.Filter) bool {
	corner := float64(s.in * (s.Size - s.Pad) * (s.Size - s.Pad))
	return f.Error*math.Sqrt(float64(s.in))*float64(s.Size)/3 <= math.Pow(corner, 1.5)/(1<<24)/4
}

// newWinograd chooses the filter with the fewest products, for blocks of the given number
// of tiles.
func newWinograd(s convShape, kernels *kernel.Set, tiles int) *winograd {
	var best *winograd
	products := func(w *winograd) int { return w.entries * w.columns(w.all()*w.across) }
	for _, f := range kernels.Winograd {
		if f.Size != s.Size || !s.accurate(&f) {
			continue
		}
		w := &winograd{convShape: s, kernels: kernels, filter: f, entries: f.Side() * f.Side(), beside: 1, tall: 1}
		if f.Out > 2 {
			w.mosaic()
		}
		w.across, w.down = w.tilesOver(w.beside, s.ow, s.w), w.tilesOver(w.tall, s.oh, s.h)
		if w.across > kernels.Block.N {
			continue
		}
		if best == nil || products(w) < products(best) {
			best = w
		}
	}
	w := best
	w.rows = max(1, min(tiles/w.across, w.all()))
	w.m = max(winogradProducts/w.entries/w.tiles()/kernels.MR, 1) * kernels.MR
	w.blocks = ceilDiv(w.all(), w.rows)
	w.input = side{w.filter.Side(), s.Pad, s.h, s.w, s.in, s.groups * s.xg, w.filter.Input}
	return w
}

// tilesOver is the number of tiles over images in a row, each of out pixels from in.
func (w *winograd) tilesOver(images, out, in int) int {
	return ceilDiv((images-1)*(in+w.Pad)+out, w.filter.Out)
}

// mosaic chooses how many images are side by side and one below the other, so that the
// fewest pixels of tiles are unused.
func (w *winograd) mosaic() {
	for n := 2; n <= min(4, w.images); n++ {
		if w.tilesOver(n, w.ow, w.w)*w.beside < w.tilesOver(w.beside, w.ow, w.w)*n {
			w.beside = n
		}
	}
	below := ceilDiv(w.images, w.beside)
	if w.tilesOver(below, w.oh, w.h) < w.tilesOver(1, w.oh, w.h)*below {
		w.tall = below
	}
}

// all is the number of rows of tiles of all images.
func (w *winograd) all() int { return ceilDiv(w.images, w.beside*w.tall) * w.down }

// columns is the number of columns to multiply for this number of tiles.
func (w *winograd) columns(tiles int) int {
	if w.kernels.GemmHalf != nil {
		return roundUp(tiles, w.kernels.NR/2)
	}
	return roundUp(tiles, w.kernels.NR)
}

// tiles is the number of tiles of a whole block, rounded up to panels.
func (w *winograd) tiles() int { return roundUp(w.rows*w.across, w.kernels.NR) }

// width and height are the output pixels of a mosaic.
func (w *winograd) width() int  { return (w.beside-1)*(w.w+w.Pad) + w.ow }
func (w *winograd) height() int { return (w.tall-1)*(w.h+w.Pad) + w.oh }

// Sizes in floats of the arrays in a part's scratch memory. The distance between the
// planes of products isn't a multiple of a page, so that the entries of a tile don't
// share one set of the cache.
func (w *winograd) stagePlane() int   { return w.tiles() + w.kernels.Lanes }
func (w *winograd) transformed() int  { return w.entries * w.in * w.tiles() }
func (w *winograd) productPlane() int { return w.m*w.tiles() + w.kernels.NR }
func (w *winograd) staged() int {
	return w.filter.Out * (w.rows*w.width() + w.kernels.Lanes)
}

// phase is the number of floats of one phase of a slab's row.
func (w *winograd) phase(s *side) int { return w.across + (s.size-1)/w.filter.Out }

// slab is the number of floats of a slab: the rows of pixels that a block's rows of tiles
// of one map cover, each as its pixels x ≡ 0, 1, … mod Out, and a row before it is split.
func (w *winograd) slab(s *side) int {
	return (w.rows*w.filter.Out+s.size-w.filter.Out+1)*w.phase(s)*w.filter.Out + w.kernels.Lanes
}

// run is a number of rows of tiles of one mosaic; tile is the first one's number in the
// block.
type run struct{ mosaic, row, rows, tile int }

// runs calls f for the mosaics of a block.
func (w *winograd) runs(block int, f func(r run)) {
	first := block * w.rows
	end := min(first+w.rows, w.all())
	for at := first; at < end; {
		r := run{mosaic: at / w.down, row: at % w.down, tile: (at - first) * w.across}
		r.rows = min(w.down-r.row, end-at)
		f(r)
		at += r.rows
	}
}

// fill copies the pixels of a run's tiles to a slab. x starts at the map's pixels in the
// first image.
func (w *winograd) fill(s *side, slab, x []float32, r run) {
	out, phase := w.filter.Out, w.phase(s)
	pitch := out * phase
	padded := slab[w.slab(s)-pitch:][:pitch]
	clear(padded)
	for i := range r.rows*out + s.size - out {
		dst := slab[i*pitch:][:pitch]
		y := r.row*out - s.pad + i
		below, row := y/(w.h+w.Pad), y%(w.h+w.Pad)
		first := (r.mosaic*w.tall + below) * w.beside // image of the row
		if y < 0 || row >= s.h || below >= w.tall || first >= w.images {
			clear(dst)
			continue
		}
		for b := range w.beside {
			to := padded[s.pad+b*(w.w+w.Pad):][:s.w]
			if first+b < w.images {
				copy(to, x[(first+b)*s.image+row*s.w:])
			} else {
				clear(to)
			}
		}
		w.kernels.Split(pointer(dst), pointer(padded), out, phase)
	}
}

// pieces calls f for each image's part of a run: rows y to end of its output. at is the
// position of their first pixel in the run's pixels of the mosaic.
func (w *winograd) pieces(r run, f func(image, y, end, at int)) {
	step := w.h + w.Pad
	first := r.row * w.filter.Out
	last := min(first+r.rows*w.filter.Out, w.height())
	for below := first / step; below*step < last; below++ {
		y, end := max(0, first-below*step), min(w.oh, last-below*step)
		if y >= end {
			continue
		}
		image := (r.mosaic*w.tall + below) * w.beside
		for b := range min(w.beside, w.images-image) {
			f(image+b, y, end, (below*step+y-first)*w.width()+b*(w.w+w.Pad))
		}
	}
}

// fewParts is the number of parts below which the blocks of a convolution are divided
// over their maps, too.
const fewParts = 16

// lowerWinograd computes y from x like lowerDirect. Blocks are parts of one stage, which
// transforms their tiles in its scratch memory. If there are few blocks, as for one
// image, one stage transforms slices of their input maps into the shared workspace, and
// another multiplies slices of their output maps.
func (c *Context) lowerWinograd(s convShape, x, y, bias *engine.Tensor, relu bool, pack packer, weights *engine.Tensor) lowered {
	w := newWinograd(s, c.kernels, winogradTiles)
	mr, blockK := c.kernels.MR, c.kernels.Block.K
	panels := ceilDiv(s.out, mr)
	panel := w.entries * s.in * mr // floats of all entries of a panel of weights, one after the other
	again := c.lowerDirect(s, x, y, bias, relu, pack, nil)
	l := lowered{shared: s.groups * panels * panel}
	if weights != nil {
		l.constant = &constant{weights: weights, floats: l.shared}
		l.shared = 0
	}
	u := l.constant
	l.stages = c.keep(u, stage{s.groups * panels, func(k *worker, part int) {
		w.filter.Weights(pointer(u.of(c)[part*panel:]), s.in*mr, pointer(pack(k, part)), s.in)
	}})

	// A slice of the output maps; all of them if there are many parts.
	parts, slice, slices := s.groups*w.blocks, s.out, 1
	if parts < fewParts {
		slices = min(ceilDiv(fewParts, parts), panels)
		slice = ceilDiv(panels, slices) * mr
		slices = ceilDiv(s.out, slice)
		w.m = min(w.m, slice)
	}
	tiles := l.shared // the transformed tiles that several parts share
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
		n, columns := w.tilesIn(block), w.columns(w.rowsIn(block)*w.across)
		products, staged := rest[:w.entries*w.productPlane()], rest[w.entries*w.productPlane():]
		end := min(s.out, first+slice)
		for o := first; o < end; o += w.m {
			maps := min(w.m, end-o)
			for e := range w.entries {
				a, out := u.of(c)[(g*panels+o/mr)*panel+e*s.in*mr:], products[e*w.productPlane():]
				for k0 := 0; k0 < s.in; k0 += blockK {
					depth := min(blockK, s.in-k0)
					c.multiply(k, maps, columns, depth, a[k0*mr:], panel, v[(e*s.in+k0)*n:], out, n, k0 > 0)
				}
			}
			for m := range maps {
				w.runs(block, func(r run) {
					w.filter.Output(pointer(staged), w.width(), pointer(products[m*n+r.tile:]), w.productPlane(), r.rows, w.across)
					w.pieces(r, func(image, row, end, at int) {
						out := c.floats(y)[(image*s.groups+g)*s.yg+(o+m)*s.oh*s.ow:][row*s.ow : end*s.ow]
						for i := range end - row {
							copy(out[i*s.ow:][:s.ow], staged[at+i*w.width():])
						}
						if !c.kernels.Finite(out) {
							odd[image*s.groups+g].Store(true)
							anyOdd.Store(true)
						}
						if bias != nil {
							c.kernels.AddBias(out, c.floats(bias)[g*s.out+o+m], relu)
						}
					})
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
	l.scratch = max(w.transformed()+max(w.slab(&w.input)+w.entries*w.stagePlane(), w.entries*w.productPlane()+w.staged()), again.scratch)
	return l
}

// rowsIn is the number of rows of tiles of a block.
func (w *winograd) rowsIn(block int) int { return min(w.rows, w.all()-block*w.rows) }

// tilesIn returns the number of tiles of a block, rounded up to panels.
func (w *winograd) tilesIn(block int) int {
	return roundUp(w.rowsIn(block)*w.across, w.kernels.NR)
}

// transformInput packs a block's tiles of input maps first, …, end−1 for multiply, entry
// after entry. x starts at the group's first map.
func (w *winograd) transformInput(v, scratch, x []float32, block, first, end int) {
	nr, blockK := w.kernels.NR, w.kernels.Block.K
	stage, slab := scratch[:w.entries*w.stagePlane()], scratch[w.entries*w.stagePlane():]
	n, columns := w.tilesIn(block), w.columns(w.rowsIn(block)*w.across)
	for in := first; in < end; in++ {
		w.stageTiles(&w.input, stage, slab, x, in, block)
		k0 := in / blockK * blockK
		depth := min(blockK, w.in-k0)
		for e := range w.entries {
			to, from := v[(e*w.in+k0)*n+(in-k0)*nr:], stage[e*w.stagePlane():]
			if n == nr {
				copy(to, from[:columns])
			} else {
				w.kernels.PackPanels(pointer(to), depth*nr, pointer(from), 0, 1, n/nr)
			}
		}
	}
}

// stageTiles transforms a block's tiles of one map, each entry to a plane of stage, and
// appends zeros up to whole panels. x starts at the group's first map.
func (w *winograd) stageTiles(s *side, stage, slab, x []float32, m, block int) {
	n := 0
	w.runs(block, func(r run) {
		w.fill(s, slab, x[m*s.h*s.w:], r)
		s.transform(pointer(stage[r.tile:]), w.stagePlane(), pointer(slab), w.filter.Out*w.phase(s), w.phase(s), r.rows, w.across)
		n = r.tile + r.rows*w.across
	})
	padded := w.tilesIn(block)
	for e := range w.entries {
		clear(stage[e*w.stagePlane():][n:padded])
	}
}
