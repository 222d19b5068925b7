package cpu

import (
	"alexnet/engine"
	"alexnet/engine/cpu/internal/bf16"
)

// A locally connected layer is one small product at each position and group: its weights
// by the patches of all images. Products are in float32 in both precisions: a weight is
// used once for each image, so packing costs more than a narrower format could save.

// elements reads and writes the values of a tensor (N, maps, area) in either precision.
type elements struct {
	wide       []float32
	narrow     []uint16 // bfloat16; nil if wide is set
	maps, area int
	last       bool // maps are stored last
}

func (c *Context) elements(t *engine.Tensor) elements {
	v := elements{maps: t.Shape[1], area: t.Shape[2] * t.Shape[3], last: c.narrow != nil}
	if c.narrow != nil && t.Type != engine.Float32 {
		v.narrow = c.narrow.words(t)
	} else {
		v.wide = c.floats(t)
	}
	return v
}

func (v *elements) index(n, m, p int) int {
	if v.last {
		return (n*v.area+p)*v.maps + m
	}
	return (n*v.maps+m)*v.area + p
}

func (v *elements) at(n, m, p int) float32 {
	if v.narrow != nil {
		return bf16.Float(v.narrow[v.index(n, m, p)])
	}
	return v.wide[v.index(n, m, p)]
}

func (v *elements) set(n, m, p int, x float32) {
	if v.narrow != nil {
		v.narrow[v.index(n, m, p)] = bf16.Round(x)
		return
	}
	v.wide[v.index(n, m, p)] = x
}

// localShape is the geometry of a locally connected layer. A patch is the input pixels of
// one output: depth values in the order (input map, ky, kx).
type localShape struct {
	convShape
	positions, area, depth int
	rows, columns          []reach // of each output row's and column's window
}

func localOf(w engine.Window, groups int, x, y *engine.Tensor) *localShape {
	s := &localShape{convShape: shapeOf(w, groups, x, y)}
	s.positions, s.area, s.depth = s.oh*s.ow, s.Size*s.Size, s.patch
	s.rows, s.columns = reaches(w, s.oh, s.h), reaches(w, s.ow, s.w)
	return s
}

// tap is a pixel of a window inside the image, and its position in the window.
type tap struct{ place, pixel int }

// taps appends the taps of position p's window to list.
func (s *localShape) taps(list []tap, p int) []tap {
	r, q := s.rows[p/s.ow], s.columns[p%s.ow]
	for y := range r.count {
		for x := range q.count {
			list = append(list, tap{(r.skipped+y)*s.Size + q.skipped + x, (r.first+y)*s.w + q.first + x})
		}
	}
	return list
}

// weights copies the weights of a group at position p: maps output maps from first on,
// each with its input maps from lowest on.
func (s *localShape) weights(dst []float32, w elements, g, p, lowest, maps int) {
	for o := range s.out {
		row := (g*s.out+o)*s.positions + p
		if !w.last {
			copy(dst[o*maps*s.area:][:maps*s.area], w.wide[row*s.depth+lowest*s.area:])
			continue
		}
		for i := range maps {
			for k := range s.area {
				dst[(o*maps+i)*s.area+k] = w.at(row, lowest+i, k)
			}
		}
	}
}

// patches packs the patches of a group at position p as B: a row for each element of
// a patch and a column for each image; with turned, the transpose.
func (s *localShape) patches(dst []float32, x elements, taps []tap, g, nr int, turned bool) {
	clear(dst)
	for n := range s.images {
		for i := range s.in {
			from := x.index(n, g*s.in+i, 0)
			step := 1
			if x.last {
				step = x.maps
			}
			for _, t := range taps {
				v := float32(0)
				if at := from + t.pixel*step; x.narrow != nil {
					v = bf16.Float(x.narrow[at])
				} else {
					v = x.wide[at]
				}
				if k := i*s.area + t.place; turned {
					dst[panel(s.images, nr, n, k)] = v
				} else {
					dst[panel(s.depth, nr, k, n)] = v
				}
			}
		}
	}
}

// panel returns the position of element (k, j) of a k×n block packed as B.
func panel(depth, nr, k, j int) int {
	first := int(uint(j) / uint(nr) * uint(nr))
	return first*depth + k*nr + j - first
}

// packRows packs an m×k matrix with contiguous rows.
func (c *Context) packRows(w *worker, dst, a []float32, m, k int) {
	for i := range ceilDiv(m, c.kernels.MR) {
		c.packPanel(w, dst[i*c.kernels.MR*k:], a, m, k, k, i)
	}
}

func (c *Context) lowerLocalForward(op engine.LocalForward) lowered {
	s := localOf(op.Window, op.Groups, op.X, op.Y)
	mr, nr := c.kernels.MR, c.kernels.NR
	sizes := []int{s.out * s.depth, c.packedA(s.out, s.depth) + c.spill(), c.packedB(s.depth, s.images), s.out * s.images, s.out}
	return lowered{scratch: floatsOf(sizes...), stages: []stage{{s.positions * s.groups, func(w *worker, part int) {
		p, g := part/s.groups, part%s.groups
		x, weights, y := c.elements(op.X), c.elements(op.W), c.elements(op.Y)
		scratch := carve(w.scratch)
		rows, a, b, out := scratch.floats(sizes[0]), scratch.floats(sizes[1]), scratch.floats(sizes[2]), scratch.floats(sizes[3])
		bias := scratch.floats(sizes[4])
		s.weights(rows, weights, g, p, 0, s.in)
		c.packRows(w, a, rows, s.out, s.depth)
		var taps [64]tap
		s.patches(b, x, s.taps(taps[:0], p), g, nr, false)
		c.multiply(w, s.out, s.images, s.depth, a, s.depth*mr, b, out, s.images, false)
		for o := range s.out {
			c.parameters(bias[o:o+1], op.B, (g*s.out+o)*s.positions+p)
			for n := range s.images {
				y.set(n, g*s.out+o, p, out[o*s.images+n]+bias[o])
			}
		}
	}}}}
}

// parameters reads elements lo, lo+1, … of a vector of parameters.
func (c *Context) parameters(dst []float32, t *engine.Tensor, lo int) {
	if c.narrow != nil {
		c.narrow.values(dst, t, lo)
		return
	}
	copy(dst, c.floats(t)[lo:])
}

func (c *Context) lowerLocalBackward(op engine.LocalBackward) lowered {
	s := localOf(op.Window, op.Groups, op.X, op.DY)
	l := c.localWeightGradient(op, s)
	if op.DX == nil {
		return l
	}
	d := c.localGradient(op, s)
	return lowered{scratch: max(l.scratch, d.scratch), stages: append(l.stages, d.stages...)}
}

// localWeightGradient computes DW = DY·Xᵀ and DB at each position and group.
func (c *Context) localWeightGradient(op engine.LocalBackward, s *localShape) lowered {
	mr, nr := c.kernels.MR, c.kernels.NR
	sizes := []int{s.out * s.images, c.packedA(s.out, s.images) + c.spill(), c.packedB(s.images, s.depth), s.out * s.depth}
	return lowered{scratch: floatsOf(sizes...), stages: []stage{{s.positions * s.groups, func(w *worker, part int) {
		p, g := part/s.groups, part%s.groups
		x, dy, dw, db := c.elements(op.X), c.elements(op.DY), c.elements(op.DW), c.floats(op.DB)
		scratch := carve(w.scratch)
		rows, a, b, out := scratch.floats(sizes[0]), scratch.floats(sizes[1]), scratch.floats(sizes[2]), scratch.floats(sizes[3])
		for o := range s.out {
			sum := float32(0)
			for n := range s.images {
				d := dy.at(n, g*s.out+o, p)
				rows[o*s.images+n] = d
				sum += d
			}
			db[(g*s.out+o)*s.positions+p] = sum
		}
		c.packRows(w, a, rows, s.out, s.images)
		var taps [64]tap
		s.patches(b, x, s.taps(taps[:0], p), g, nr, true)
		c.multiply(w, s.out, s.depth, s.images, a, s.images*mr, b, out, s.depth, false)
		for o := range s.out {
			row := (g*s.out+o)*s.positions + p
			if !dw.last {
				copy(dw.wide[row*s.depth:], out[o*s.depth:][:s.depth])
				continue
			}
			for i := range s.in {
				for k := range s.area {
					dw.set(row, i, k, out[o*s.depth+i*s.area+k])
				}
			}
		}
	}}}}
}

// localMaps is the number of input maps whose gradient one part computes.
const localMaps = 8

// localGradient computes DX. A part computes some maps of all images: at each position it
// adds the gradient of a patch, Wᵀ·DY, to those of earlier positions.
func (c *Context) localGradient(op engine.LocalBackward, s *localShape) lowered {
	mr, nr, pixels := c.kernels.MR, c.kernels.NR, s.h*s.w
	blocks := ceilDiv(s.in, localMaps)
	most := min(s.in, localMaps)
	depth := most * s.area
	sizes := []int{s.out * depth, c.packedA(depth, s.out) + c.spill(), c.packedB(s.out, s.images), depth * s.images, most * pixels * s.images}
	return lowered{scratch: floatsOf(sizes...), stages: []stage{{blocks * s.groups, func(w *worker, part int) {
		g, lowest := part/blocks, part%blocks*localMaps
		maps := min(localMaps, s.in-lowest)
		depth := maps * s.area
		weights, dy, dx := c.elements(op.W), c.elements(op.DY), c.elements(op.DX)
		scratch := carve(w.scratch)
		rows, a, b, out := scratch.floats(sizes[0]), scratch.floats(sizes[1]), scratch.floats(sizes[2]), scratch.floats(sizes[3])
		sums := scratch.floats(sizes[4]) // (maps, pixels, images)
		clear(sums)
		var taps [64]tap
		for p := range s.positions {
			s.weights(rows, weights, g, p, lowest, maps)
			for i := range ceilDiv(depth, mr) {
				c.packPanelTransposed(a[i*mr*s.out:], rows, depth, s.out, depth, i)
			}
			clear(b)
			for o := range s.out {
				for n := range s.images {
					b[panel(s.out, nr, o, n)] = dy.at(n, g*s.out+o, p)
				}
			}
			c.multiply(w, depth, s.images, s.out, a, s.out*mr, b, out, s.images, false)
			for i := range maps {
				for _, t := range s.taps(taps[:0], p) {
					c.kernels.Add(sums[(i*pixels+t.pixel)*s.images:][:s.images], out[(i*s.area+t.place)*s.images:][:s.images])
				}
			}
		}
		for i := range maps {
			for pixel := range pixels {
				for n := range s.images {
					dx.set(n, g*s.in+lowest+i, pixel, sums[(i*pixels+pixel)*s.images+n])
				}
			}
		}
	}}}}
}
