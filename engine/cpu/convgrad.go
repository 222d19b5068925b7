package cpu

import "alexnet/engine"

func (c *Context) lowerConvBackward(op engine.ConvBackward) lowered {
	s := shapeOf(op.Window, op.Groups, op.X, op.DY)
	l := c.lowerConvWeights(op, s)
	if s.winogradWins(c.kernels, false) {
		l = c.lowerWinogradWeights(op, s, l)
	}
	if op.DX == nil {
		return l
	}
	var d lowered
	if s.Stride == 1 {
		d = c.lowerConvFullData(op, s)
	} else {
		d = c.lowerConvScatter(op, s)
	}
	l.shared, l.scratch = max(l.shared, d.shared), max(l.scratch, d.scratch)
	l.stages = append(l.stages, d.stages...)
	return l
}

// Weight gradients are summed in chunks of images that depend on the shapes alone: at
// most maxChunks, and fewer if their partial sums would take more than maxPartial floats.
// A chunk's columns (the elements of a patch) are divided into slices of at most
// sliceBlocks blocks, so that there are enough parts for all workers.
const (
	maxChunks   = 16
	maxPartial  = 8 << 20
	sliceBlocks = 4
)

// lowerConvWeights computes DW and DB. A chunk of images has one long product
// per group, DW = DY·patchesᵀ, whose depth is all pixels of its images; the
// chunks' partial sums are added in order.
func (c *Context) lowerConvWeights(op engine.ConvBackward, s convShape) lowered {
	mr, nr, block := c.kernels.MR, c.kernels.NR, c.kernels.Block
	pixels := s.oh * s.ow
	size := s.out * s.patch // of one group's weights
	total := size * s.groups
	chunks := max(1, min(maxChunks, s.images, maxPartial/total))
	perChunk := ceilDiv(s.images, chunks)
	chunks = ceilDiv(s.images, perChunk)
	slices := ceilDiv(s.patch, sliceBlocks*block.N)
	slice := roundUp(ceilDiv(s.patch, slices), nr)
	slices = ceilDiv(s.patch, slice)
	panels := ceilDiv(s.out, mr)
	t := s.tiling(block.K, c.kernels)
	offsets := t.offsets()
	packed := c.packedA(s.out, block.K) + c.spill()

	run := func(w *worker, part int) {
		chunk, g, first := part/(s.groups*slices), part/slices%s.groups, part%slices*slice
		partial := c.shared[(chunk*s.groups+g)*size:][:size]
		x, dy := c.floats(op.X), c.floats(op.DY)
		slab, a, b := w.scratch[:t.slabSize()], w.scratch[t.slabSize():][:packed], w.scratch[t.slabSize()+packed:]
		accumulate := false
		for image := chunk * perChunk; image < min(s.images, (chunk+1)*perChunk); image++ {
			in := x[(image*s.groups+g)*s.xg:][:s.xg]
			out := dy[(image*s.groups+g)*s.yg:][:s.yg]
			for tile := range t.count {
				row, rows, column, columns := t.place(tile)
				t.fill(slab, in, row, rows)
				k := rows * columns
				for i := range panels {
					c.packPanel(w, a[i*k*mr:], out[row*s.ow+column:], s.out, k, pixels, i)
				}
				for j := first; j < min(s.patch, first+slice); j += block.N {
					n := min(block.N, first+slice-j, s.patch-j)
					c.packTransposed(b, slab[column:], offsets[j:], n, rows, columns, t.stride())
					c.multiply(w, s.out, n, k, a, k*mr, b, partial[j:], s.patch, accumulate)
				}
				accumulate = true
			}
		}
	}
	const width = 4096
	sum := func(w *worker, part int) {
		j := part * width
		n := min(width, total-j)
		dw := c.floats(op.DW)[j:][:n]
		copy(dw, c.shared[j:])
		for chunk := 1; chunk < chunks; chunk++ {
			c.kernels.Add(dw, c.shared[chunk*total+j:][:n])
		}
	}
	bias := func(w *worker, o int) {
		dy := c.floats(op.DY)
		var db float32
		for image := range s.images {
			db += c.kernels.Sum(dy[(image*s.groups*s.out+o)*pixels:][:pixels])
		}
		c.floats(op.DB)[o] = db
	}
	return lowered{
		shared:  chunks * total,
		scratch: t.slabSize() + packed + c.packedB(block.K, block.N) + c.spill(),
		stages: []stage{
			{chunks * s.groups * slices, run},
			{ceilDiv(total, width), sum},
			{s.out * s.groups, bias},
		},
	}
}

// lowerConvFullData computes DX of a convolution of stride 1 as a correlation
// of DY, padded by Size−1−Pad, with the weights turned by 180° and their maps
// exchanged.
func (c *Context) lowerConvFullData(op engine.ConvBackward, s convShape) lowered {
	t := convShape{
		Window: engine.Window{Size: s.Size, Stride: 1, Pad: s.Size - 1 - s.Pad},
		groups: s.groups, images: s.images,
		in: s.out, h: s.oh, w: s.ow,
		out: s.in, oh: s.h, ow: s.w,
		patch: s.out * s.Size * s.Size, xg: s.yg, yg: s.xg,
	}
	area, mr := s.Size*s.Size, c.kernels.MR
	panels := ceilDiv(t.out, mr)
	pack := func(w *worker, part int) []float32 {
		weights := c.floats(op.W)[part/panels*s.out*s.patch:]
		dst := w.scratch[:t.patch*mr]
		for r := range mr {
			in := part%panels*mr + r
			if in >= s.in {
				for p := range t.patch {
					dst[p*mr+r] = 0
				}
				continue
			}
			for out := range s.out {
				for i, v := range weights[out*s.patch+in*area:][:area] {
					dst[(out*area+area-1-i)*mr+r] = v
				}
			}
		}
		return dst
	}
	return c.lowerCorrelation(t, op.DY, op.DX, nil, false, pack, nil)
}

// lowerConvScatter computes DX of any convolution: Wᵀ·DY gives the gradient of
// every patch, which is added to the image piece by piece.
func (c *Context) lowerConvScatter(op engine.ConvBackward, s convShape) lowered {
	mr, nr, blockK := c.kernels.MR, c.kernels.NR, c.kernels.Block.K
	pixels := s.oh * s.ow
	panels := ceilDiv(s.patch, mr)
	stride := s.out * mr
	pack := func(w *worker, part int) {
		g, i := part/panels, part%panels
		c.packPanelTransposed(c.shared[part*stride:], c.floats(op.W)[g*s.out*s.patch:], s.patch, s.out, s.patch, i)
	}
	width := max(64/nr, 1) * nr
	run := func(w *worker, image int) { // image counts groups, too
		g := image % s.groups
		dy := c.floats(op.DY)[image*s.yg:][:s.yg]
		dx := c.floats(op.DX)[image*s.xg:][:s.xg]
		b, patches := w.scratch[:blockK*width], w.scratch[blockK*width:]
		a := c.shared[g*panels*stride:]
		clear(dx)
		for j := 0; j < pixels; j += width {
			n := min(width, pixels-j)
			for k0 := 0; k0 < s.out; k0 += blockK {
				k := min(blockK, s.out-k0)
				c.kernels.PackPanels(pointer(b), k*nr, pointer(dy[k0*pixels+j:]), pixels, k, ceilDiv(n, nr))
				c.multiply(w, s.patch, n, k, a[k0*mr:], stride, b, patches, width, k0 > 0)
			}
			s.scatter(dx, patches, width, j, n)
		}
	}
	return lowered{
		shared:  s.groups * panels * stride,
		scratch: blockK*width + s.patch*width,
		stages:  []stage{{s.groups * panels, pack}, {s.images * s.groups, run}},
	}
}

// scatter adds columns j…j+n of the patches' gradient to the image's.
func (s *convShape) scatter(dx, patches []float32, ld, j, n int) {
	for p := range s.patch {
		kx, ky := p%s.Size, p/s.Size%s.Size
		plane := dx[p/(s.Size*s.Size)*s.h*s.w:][:s.h*s.w]
		for i, v := range patches[p*ld:][:n] {
			iy := (j+i)/s.ow*s.Stride - s.Pad + ky
			ix := (j+i)%s.ow*s.Stride - s.Pad + kx
			if iy >= 0 && iy < s.h && ix >= 0 && ix < s.w {
				plane[iy*s.w+ix] += v
			}
		}
	}
}
