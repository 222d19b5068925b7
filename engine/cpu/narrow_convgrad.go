package cpu

import (
	"alexnet/engine"
	"alexnet/engine/cpu/internal/bf16"
)

// weightSums is the plan of a convolution's gradient of weights: for each group a
// product of DYᵀ, (output maps × pixels), and of pairs of neighbouring pixels of X's
// slab. The slab's rows of pairs stand twice, from even pixels on and from odd ones,
// so that every column of the filter finds its pairs in one of them: those of even
// columns side by side, and those of odd ones.
type weightSums struct {
	correlation
	batch      int // images that a product goes over
	line       int // pixels of a row of DYᵀ
	pixels     int // of an image's DYᵀ, rounded up
	ld         int // words between rows of DYᵀ
	pairs      int // pairs of one of the two slabs of pairs
	deep       int // pairs of a segment
	perImage   int // segments of an image
	runs       []columnRun
	panels     []columnPanel
	columns    int // of the sums
	chunks     int
	chunk      int // images of a chunk
	sumsOfPart int // floats of a group's sums in a chunk
}

// columnRun are neighbouring columns of the sums: a filter's row's even columns, or
// its odd ones.
type columnRun struct{ ky, odd, first, count int }

// columnPanel is a panel of a run.
type columnPanel struct {
	vectors, height int
	first           int // column of the sums
	odd             int // which slab of pairs
	segments        []bf16.Segment
	groups          []bf16.Group
}

func (n *narrow) weightSums(c correlation) *weightSums {
	s := &weightSums{correlation: c}
	s.line, s.deep, s.perImage = c.ow+c.ow%2, (c.ow+1)/2, c.oh
	if n.set.Step > 1 { // rows of pixels joined, with what lies between them
		s.line, s.deep, s.perImage = c.pitch, c.oh*c.pitch/2, 1
	}
	s.pixels = roundUp(c.oh*s.line, 32)
	s.pairs = (c.rows*c.pitch+c.slack())/2*c.depth + 64
	for ky := range c.size {
		for odd := range min(2, c.size) {
			r := columnRun{ky, odd, s.columns, (c.size + 1 - odd) / 2 * c.depth}
			s.runs = append(s.runs, r)
			s.columns += roundUp(r.count, 16*n.width(r.count))
		}
	}
	s.sumsOfPart = (c.out + 16) * s.columns
	s.chunks = max(1, min(maxChunks, c.images, maxPartial/(s.sumsOfPart*c.groups)))
	s.chunk = ceilDiv(c.images, s.chunks)
	s.chunks = ceilDiv(c.images, s.chunk)
	// As many images as half of a second-level cache of 1 MB holds.
	s.batch = max(1, min(s.chunk, 256<<10/(c.out*s.pixels+4*s.pairs)))
	s.ld = s.batch * s.pixels
	if s.ld/32%2 == 0 {
		s.ld += 32
	}
	for _, r := range s.runs {
		v := n.width(r.count)
		for j := 0; j < r.count; j += 16 * v {
			p := columnPanel{vectors: v, height: n.height(c.out, v), first: r.first + j, odd: r.odd}
			for b := range s.batch {
				for y := range s.perImage {
					p.segments = append(p.segments, bf16.Segment{
						A: 2 * (b*s.pixels + y*s.line),
						B: 4 * (b*s.pairs + (r.ky+y)*c.pitch/2*c.depth + j),
					})
				}
			}
			for o := 0; o < c.out; o += p.height {
				p.groups = append(p.groups, bf16.Group{A: 2 * o * s.ld, C: 4 * o * s.columns})
			}
			s.panels = append(s.panels, p)
		}
	}
	return s
}

// lowerConvWeights computes DW and DB. Chunks of images, which the shapes alone
// determine, have partial sums that are added in order.
func (n *narrow) lowerConvWeights(op engine.ConvBackward) lowered {
	s := n.weightSums(n.correlation(op.Window, op.Groups, op.X.Shape, op.DY.Shape))
	maps := s.groups * s.out
	area := s.oh * s.ow
	padded := s.pixels * s.out // words of DY with what lies between its rows
	biases := roundUp(s.chunks*s.groups*s.sumsOfPart, 16)
	run := func(w *worker, part int) {
		chunk, g := part/s.groups, part%s.groups
		scratch := carve(w.scratch)
		slab, line, spread := scratch.words(s.slab()), scratch.words(s.correlation.line()), scratch.words(padded)
		a := scratch.words((s.out + 16) * s.ld)
		var b [2][]uint32
		for odd := range b {
			b[odd] = scratch.pairs(s.batch * s.pairs)
		}
		partial := n.shared[part*s.sumsOfPart:][:s.sumsOfPart]
		bias := n.shared[biases+chunk*maps+g*s.out:][:s.out]
		clear(bias)
		x, dy := n.words(op.X), n.words(op.DY)
		end := min(s.images, (chunk+1)*s.chunk)
		for image := chunk * s.chunk; image < end; image += s.batch {
			count := min(s.batch, end-image)
			for i := range count {
				from := dy[(image+i)*area*maps+g*s.out:]
				n.set.ColumnSums(bias, &from[0], maps, area)
				s.spread(spread, from, maps)
				n.set.TurnWords(&a[i*s.pixels], s.ld, &spread[0], s.out, s.pixels, s.out)
				s.fill(slab, line, x[(image+i)*s.h*s.w*s.maps+g*s.in:])
				rows := s.rows*s.pitch + s.slack() - 2
				n.set.Interleave(&b[0][i*s.pairs], s.depth, &slab[0], s.depth, rows, s.depth)
				n.set.Interleave(&b[1][i*s.pairs], s.depth, &slab[s.depth], s.depth, rows, s.depth)
			}
			for i := range s.panels {
				p := &s.panels[i]
				w.product = bf16.Product{C: address(partial[p.first:]), LDC: 4 * s.columns, A: address(a), LDA: 2 * s.ld,
					B: address(b[p.odd]), LDB: 4 * s.depth, Segments: &p.segments[0], Count: count * s.perImage, Pairs: s.deep,
					Vectors: p.vectors, Height: p.height, Groups: p.groups}
				if image > chunk*s.chunk {
					w.product.Accumulate = 1
				}
				n.set.Gemm(&w.product)
			}
		}
	}
	kernel := op.Size
	sum := func(w *worker, part int) { // an output map of all groups
		g, o := part/s.out, part%s.out
		row := w.scratch[:s.columns]
		at := func(chunk int) []float32 {
			return n.shared[(chunk*s.groups+g)*s.sumsOfPart+o*s.columns:][:s.columns]
		}
		copy(row, at(0))
		for chunk := 1; chunk < s.chunks; chunk++ {
			n.kernels.Add(row, at(chunk))
		}
		dw := n.floats(op.DW)[part*kernel*kernel*s.in:][:kernel*kernel*s.in]
		for _, r := range s.runs {
			for j := 0; j < r.count; j += s.depth {
				s.put(dw, row[r.first+j:][:s.depth], r.ky, 2*(j/s.depth)+r.odd, kernel)
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
		scratch: max(floatsOf(s.slab()/2+1, s.correlation.line()/2+1, padded/2+1, (s.out+16)*s.ld/2+1, s.batch*s.pairs, s.batch*s.pairs), s.columns),
		stages:  []stage{{s.chunks * s.groups, run}, {maps, sum}},
	}
}

// spread copies one group of one image's DY to rows of line pixels, zeros between.
func (s *weightSums) spread(dst, dy []uint16, maps int) {
	for y := range s.oh {
		row := dst[y*s.line*s.out:][:s.line*s.out]
		for x := range s.ow {
			copy(row[x*s.out:][:s.out], dy[(y*s.ow+x)*maps:])
		}
		clear(row[s.ow*s.out:])
	}
	clear(dst[s.oh*s.line*s.out : s.pixels*s.out])
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
