package cpu

import "alexnet/engine/cpu/internal/kernel"

// tiling cuts the output image of a convolution into tiles of whole rows, or of pieces of
// one row if a row is too long. The input of a tile's patches is copied, with zero
// padding, to a slab. There the pixels of one weight are contiguous for every output row
// of the tile: with a stride s, each input row is stored as s phases, the pixels x ≡ 0,
// 1, … mod s.
type tiling struct {
	*convShape
	rows     int // output rows of a tile
	columns  int // output columns of a tile
	across   int // tiles side by side
	count    int // tiles of an image
	slabRows int // input rows of a slab
	phase    int // floats of one phase of a row
	kernels  *kernel.Set
}

// tiling makes tiles of at most limit pixels.
func (s *convShape) tiling(limit int, kernels *kernel.Set) *tiling {
	t := &tiling{convShape: s, kernels: kernels}
	t.across = ceilDiv(s.ow, limit)
	t.columns = ceilDiv(s.ow, t.across)
	t.rows = max(1, min(s.oh, limit/s.ow))
	t.rows = ceilDiv(s.oh, ceilDiv(s.oh, t.rows)) // as even as possible
	t.count = ceilDiv(s.oh, t.rows) * t.across
	t.slabRows = (t.rows-1)*s.Stride + s.Size
	t.phase = ceilDiv(s.w+2*s.Pad, s.Stride)
	return t
}

// place returns the rectangle of output pixels of a tile.
func (t *tiling) place(tile int) (row, rows, column, columns int) {
	row, column = tile/t.across*t.rows, tile%t.across*t.columns
	return row, min(t.rows, t.oh-row), column, min(t.columns, t.ow-column)
}

// pitch returns the number of floats of one input row in the slab.
func (t *tiling) pitch() int { return t.phase * t.Stride }

// stride returns the distance in the slab between the pixels of one weight in
// neighbouring output rows.
func (t *tiling) stride() int { return t.pitch() * t.Stride }

// slabSize returns the number of floats of a slab. It includes space for reads beyond its
// last run and, at the end, for a padded row before it is split into phases.
func (t *tiling) slabSize() int { return t.in*t.slabRows*t.pitch() + t.kernels.Lanes + t.pitch() }

// offsets returns, for each weight of a patch in the order (input map, ky, kx), the
// place in the slab of its pixel for the tile's first output pixel. The list is
// filled up to a multiple of NR with the last offset.
func (t *tiling) offsets() []int {
	o := make([]int, 0, roundUp(t.patch, t.kernels.NR))
	for i := range t.in {
		for ky := range t.Size {
			for kx := range t.Size {
				o = append(o, (i*t.slabRows+ky)*t.pitch()+kx%t.Stride*t.phase+kx/t.Stride)
			}
		}
	}
	for len(o) < cap(o) {
		o = append(o, o[t.patch-1])
	}
	return o
}

// fill copies the input of output rows row…row+rows from one group of one
// image.
func (t *tiling) fill(slab, x []float32, row, rows int) {
	height := (rows-1)*t.Stride + t.Size
	padded := slab[t.slabSize()-t.pitch():][:t.pitch()]
	clear(padded[:t.Pad])
	clear(padded[t.Pad+t.w:])
	for i := range t.in {
		plane := x[i*t.h*t.w:][:t.h*t.w]
		for r := range height {
			dst := slab[(i*t.slabRows+r)*t.pitch():][:t.pitch()]
			y := row*t.Stride - t.Pad + r
			switch {
			case y < 0 || y >= t.h:
				clear(dst)
			case t.Stride == 1:
				clear(dst[:t.Pad])
				copy(dst[t.Pad:], plane[y*t.w:][:t.w])
				clear(dst[t.Pad+t.w:])
			default:
				copy(padded[t.Pad:], plane[y*t.w:][:t.w])
				t.kernels.Split(pointer(dst), pointer(padded), t.Stride, t.phase)
			}
		}
	}
}
