package cpu

import (
	"alexnet/engine"
	"alexnet/engine/cpu/internal/bf16"
)

// weightSums is the plan of a convolution's gradient of weights: for each group a product
// of DYᵀ (output maps × pixels) and the pixels in X's slab. The depth is the pixels of
// two images at a time. A pair is the same pixel of both images, so that every weight's
// pairs have the same distance, and an odd number of pixels in a row wastes nothing.
type weightSums struct {
	correlation
	joined   bool // rows are multiplied as one, with the pixels between them
	line     int  // pixels of a row of DYᵀ
	rowsOf   int  // output rows of a product
	ld       int  // pairs between rows of DYᵀ
	columns  int  // of the sums: for each row of the filter its columns
	ofRow    int  // columns of one row, padded
	segments []bf16.Segment
	panels   []sumPanel
	groups   []bf16.Group // of output maps
	vectors  int
	height   int
	chunks   int
	chunk    int // images of a chunk
	sums     int // floats of a group's sums in a chunk
}

// sumPanel is a panel of columns: its beginning in B, in pairs, and in the sums.
type sumPanel struct{ b, c int }

// sumBlock is the number of bytes of DYᵀ and X in one product: most of a second-level
// cache of 1 MB.
const sumBlock = 640 << 10

func (n *narrow) weightSums(c correlation) *weightSums {
	s := &weightSums{line: c.ow, joined: n.set.Step > 1}
	if s.joined {
		c.pitch = roundUp(c.pitch, n.set.Step)
		s.line = c.pitch
	}
	s.correlation = c
	s.rowsOf = max(1, min(c.oh, sumBlock/(4*(c.out*s.line+c.pitch*c.depth))))
	s.rowsOf = ceilDiv(c.oh, ceilDiv(c.oh, s.rowsOf))
	s.ld = roundUp(s.rowsOf*s.line, 16)
	if s.ld/16%2 == 0 {
		s.ld += 16
	}
	count := c.size * c.depth
	s.vectors = n.width(count)
	s.height = n.height(c.out, s.vectors)
	s.ofRow = roundUp(count, 16*s.vectors)
	s.columns = c.size * s.ofRow
	for ky := range c.size {
		for j := 0; j < count; j += 16 * s.vectors {
			s.panels = append(s.panels, sumPanel{ky*c.pitch*c.depth + j, ky*s.ofRow + j})
		}
	}
	for o := 0; o < c.out; o += s.height {
		s.groups = append(s.groups, bf16.Group{A: 4 * o * s.ld, C: 4 * o * s.columns})
	}
	for y := range s.rowsOf {
		s.segments = append(s.segments, bf16.Segment{A: 4 * y * s.line, B: 4 * y * c.pitch * c.depth})
	}
	s.sums = (c.out + 16) * s.columns
	s.chunks = max(1, min(maxChunks, c.images, maxPartial/(s.sums*c.groups)))
	s.chunk = roundUp(ceilDiv(c.images, s.chunks), 2)
	s.chunks = ceilDiv(c.images, s.chunk)
	return s
}

// lowerConvWeights computes DW and DB. The shapes alone determine the chunks of
// images, whose partial sums are added in order.
func (n *narrow) lowerConvWeights(op engine.ConvBackward) lowered {
	s := n.weightSums(n.correlation(op.Window, op.Groups, op.X.Shape, op.DY.Shape))
	maps := s.correlation.groups * s.out
	area := s.oh * s.ow
	biases := roundUp(s.chunks*s.correlation.groups*s.sums, 16)
	slab := s.slab()
	spread := roundUp(s.rowsOf*s.line, 16) * s.out   // pairs of DY in its own layout
	wide := (s.rowsOf+s.size-1)*s.pitch*s.depth + 64 // pairs of X
	wide += s.slack() * s.depth
	run := func(w *worker, part int) {
		chunk, g := part/s.correlation.groups, part%s.correlation.groups
		scratch := carve(w.scratch)
		slabs, line := scratch.words(2*slab), scratch.words(s.correlation.line())
		both, a, b := scratch.pairs(spread), scratch.pairs((s.out+16)*s.ld), scratch.pairs(wide)
		partial := n.shared[part*s.sums:][:s.sums]
		bias := n.shared[biases+chunk*maps+g*s.out:][:s.out]
		clear(bias)
		x, dy := n.words(op.X), n.words(op.DY)
		end := min(s.images, (chunk+1)*s.chunk)
		p := &w.product
		*p = bf16.Product{LDC: 4 * s.columns, A: address(a), LDA: 4 * s.ld, LDB: 4 * s.depth,
			Segments: &s.segments[0], Vectors: s.vectors, Height: s.height, Groups: s.groups}
		for image := chunk * s.chunk; image < end; image += 2 {
			count := min(2, end-image)
			for i := range 2 {
				if i == count {
					clear(slabs[slab:])
					break
				}
				n.set.ColumnSums(bias, &dy[(image+i)*area*maps+g*s.out], maps, area)
				s.fill(slabs[i*slab:][:slab], line, x[(image+i)*s.h*s.w*s.maps+g*s.in:])
			}
			for y0 := 0; y0 < s.oh; y0 += s.rowsOf {
				rows := min(s.rowsOf, s.oh-y0)
				s.pairUp(n, both, dy[image*area*maps+g*s.out:], y0, rows, count, maps)
				pixels := roundUp(rows*s.line, 16)
				n.set.TurnPairs(&a[0], s.ld, (*uint16)(address(both)), 2*s.out, pixels, 2*s.out)
				of := min((rows+s.size-1)*s.pitch+s.slack(), slab/s.depth-y0*s.pitch) * s.depth
				n.set.Interleave(&b[0], of, &slabs[y0*s.pitch*s.depth], slab, 2, of)
				p.Count, p.Pairs = rows, s.ow
				if s.joined {
					p.Count, p.Pairs = 1, rows*s.line
				}
				for _, panel := range s.panels {
					p.B, p.C = address(b[panel.b:]), address(partial[panel.c:])
					n.set.Gemm(p)
				}
				p.Accumulate = 1
			}
		}
	}
	kernel := op.Size
	sum := func(w *worker, part int) { // an output map of all groups
		g, o := part/s.out, part%s.out
		row := w.scratch[:s.columns]
		at := func(chunk int) []float32 {
			return n.shared[(chunk*s.correlation.groups+g)*s.sums+o*s.columns:][:s.columns]
		}
		copy(row, at(0))
		for chunk := 1; chunk < s.chunks; chunk++ {
			n.kernels.Add(row, at(chunk))
		}
		dw := n.floats(op.DW)[part*kernel*kernel*s.in:][:kernel*kernel*s.in]
		for ky := range s.size {
			for kx := range s.size {
				s.put(dw, row[ky*s.ofRow+kx*s.depth:][:s.depth], ky, kx, kernel)
			}
		}
		db := n.shared[biases+part]
		for chunk := 1; chunk < s.chunks; chunk++ {
			db += n.shared[biases+chunk*maps+part]
		}
		n.floats(op.DB)[part] = db
	}
	return lowered{
		shared:  biases + s.chunks*maps,
		scratch: max(floatsOf(slab+1, s.correlation.line()/2+1, spread, (s.out+16)*s.ld, wide), s.columns),
		stages:  []stage{{s.chunks * s.correlation.groups, run}, {maps, sum}},
	}
}

// pairUp combines rows of one group of DY of two images, or of one image and zeros,
// with line pixels a row.
func (s *weightSums) pairUp(n *narrow, both []uint32, dy []uint16, y0, rows, count, maps int) {
	image := s.oh * s.ow * maps
	for y := range rows {
		at, from := both[y*s.line*s.out:], dy[(y0+y)*s.ow*maps:]
		if maps == s.out {
			n.set.Interleave(&at[0], 0, &from[0], image, count, s.ow*maps)
		} else {
			for x := range s.ow {
				n.set.Interleave(&at[x*s.out], 0, &from[x*maps], image, count, s.out)
			}
		}
		clear(at[s.ow*s.out : s.line*s.out])
	}
	clear(both[rows*s.line*s.out:])
}

// put copies the sums of one folded position of the filter to the weights that were
// folded there.
func (s *weightSums) put(dw, sums []float32, ky, kx, kernel int) {
	for sub := range s.fold * s.fold {
		y, x := ky*s.fold+sub/s.fold, kx*s.fold+sub%s.fold
		if y < kernel && x < kernel {
			copy(dw[(y*kernel+x)*s.in:][:s.in], sums[sub*s.in:])
		}
	}
}
