package cpu

import "alexnet/engine"

func (c *Context) lowerConvBackward(op engine.ConvBackward) (lowered, error) {
	kind := op.Kind()
	s, err := convGeometry(kind, op.Window, op.Groups, op.X, op.W, op.DY, "DY")
	if err != nil {
		return lowered{}, err
	}
	if err := check(kind,
		want{"DW", op.DW, engine.Float32, op.W.Shape},
		want{"DB", op.DB, engine.Float32, engine.Shape{s.out * s.groups, 1, 1, 1}}); err != nil {
		return lowered{}, err
	}
	l := c.lowerConvWeights(op, s)
	if op.DX == nil {
		return l, nil
	}
	if err := check(kind, want{"DX", op.DX, engine.Working, op.X.Shape}); err != nil {
		return lowered{}, err
	}
	var d lowered
	if s.Stride == 1 {
		d = c.lowerConvFullData(op, s)
	} else {
		d = c.lowerConvScatter(op, s)
	}
	l.shared, l.scratch = max(l.shared, d.shared), max(l.scratch, d.scratch)
	l.stages = append(l.stages, d.stages...)
	return l, nil
}

// Weight gradients are summed in chunks of images that depend on the shapes
// alone: at most maxChunks, and fewer where their partial sums would take more
// than maxPartial floats.
const (
	maxChunks  = 16
	maxPartial = 8 << 20
)

// lowerConvWeights computes DW and DB. A chunk of images has one long product
// per group, DW = DY·patchesᵀ, whose depth is all pixels of its images; the
// chunks' partial sums are added in order.
func (c *Context) lowerConvWeights(op engine.ConvBackward, s convShape) lowered {
	pixels := s.oh * s.ow
	size := s.out * s.patch // of one group's weights
	chunks := max(1, min(maxChunks, s.images, maxPartial/(size*s.groups)))
	perChunk := ceilDiv(s.images, chunks)
	chunks = ceilDiv(s.images, perChunk)
	panels := ceilDiv(s.out, mr)

	run := func(w *worker, part int) {
		chunk, g := part/s.groups, part%s.groups
		partial := c.shared[part*size:][:size]
		x, dy := c.floats(op.X), c.floats(op.DY)
		a, b := w.scratch[:packedA(s.out, blockK)], w.scratch[packedA(s.out, blockK):]
		first := chunk * perChunk
		last := min(s.images, first+perChunk)
		for image := first; image < last; image++ {
			in := x[(image*s.groups+g)*s.xg:][:s.xg]
			out := dy[(image*s.groups+g)*s.yg:][:s.yg]
			for p0 := 0; p0 < pixels; p0 += blockK {
				k := min(blockK, pixels-p0)
				for i := range panels {
					packRows(a[i*k*mr:], out[p0:], s.out, k, pixels, 1, i)
				}
				for j := 0; j < s.patch; j += blockN {
					n := min(blockN, s.patch-j)
					ldb := roundUp(n, nr)
					s.packPixels(b, ldb, in, p0, k, j, n)
					c.multiply(w, s.out, n, k, a, k*mr, b, ldb, partial[j:], s.patch, image > first || p0 > 0)
				}
			}
		}
	}
	const width = 4096
	total := size * s.groups
	sum := func(w *worker, part int) {
		j := part * width
		n := min(width, total-j)
		dw := c.floats(op.DW)[j:][:n]
		copy(dw, c.shared[j:])
		for chunk := 1; chunk < chunks; chunk++ {
			for i, v := range c.shared[chunk*total+j:][:n] {
				dw[i] += v
			}
		}
	}
	bias := func(w *worker, o int) {
		dy := c.floats(op.DY)
		var db float32
		for image := range s.images {
			db += sumOf(dy[(image*s.groups*s.out+o)*pixels:][:pixels])
		}
		c.floats(op.DB)[o] = db
	}
	return lowered{
		shared:  chunks * total,
		scratch: packedA(s.out, blockK) + blockK*blockN,
		stages: []stage{
			{chunks * s.groups, run},
			{ceilDiv(total, width), sum},
			{s.out * s.groups, bias},
		},
	}
}

// sumOf adds in eight interleaved sums, so that they don't wait for each other.
func sumOf(x []float32) float32 {
	var s [8]float32
	for ; len(x) >= 8; x = x[8:] {
		for i, v := range x[:8] {
			s[i] += v
		}
	}
	for i, v := range x {
		s[i] += v
	}
	return ((s[0] + s[1]) + (s[2] + s[3])) + ((s[4] + s[5]) + (s[6] + s[7]))
}

// packPixels writes the transposed patch matrix: row p0+p is an output pixel,
// its values are elements j…j+n of the pixel's patch; values beyond n become 0.
func (s *convShape) packPixels(dst []float32, ldb int, x []float32, p0, k, j, n int) {
	for p := range k {
		d := dst[p*ldb:][:ldb]
		oy, ox := (p0+p)/s.ow*s.Stride-s.Pad, (p0+p)%s.ow*s.Stride-s.Pad
		kx, ky, ch := j%s.Size, j/s.Size%s.Size, j/(s.Size*s.Size)
		for at := 0; at < n; {
			run := min(s.Size-kx, n-at)
			seg := d[at:][:run]
			at += run
			if iy := oy + ky; iy < 0 || iy >= s.h {
				clear(seg)
			} else {
				row := x[(ch*s.h+iy)*s.w:][:s.w]
				if ix := ox + kx; ix >= 0 && ix+run <= s.w {
					for i, v := range row[ix : ix+run] {
						seg[i] = v
					}
				} else {
					for i := range seg {
						if ix+i >= 0 && ix+i < s.w {
							seg[i] = row[ix+i]
						} else {
							seg[i] = 0
						}
					}
				}
			}
			kx = 0
			if ky++; ky == s.Size {
				ky, ch = 0, ch+1
			}
		}
		clear(d[n:])
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
	area := s.Size * s.Size
	panels := ceilDiv(t.out, mr)
	pack := func(w *worker, part int) {
		g, i := part/panels, part%panels
		weights := c.floats(op.W)[g*s.out*s.patch:]
		dst := c.shared[part*t.patch*mr:]
		for r := range mr {
			in := i*mr + r
			for p := range t.patch {
				v := float32(0)
				if in < s.in {
					v = weights[(p/area)*s.patch+in*area+area-1-p%area]
				}
				dst[p*mr+r] = v
			}
		}
	}
	return lowered{
		shared:  t.groups * packedA(t.out, t.patch),
		scratch: blockK * blockN,
		stages:  []stage{{t.groups * panels, pack}, c.correlate(t, op.DY, op.DX, nil, false)},
	}
}

// lowerConvScatter computes DX of any convolution: Wᵀ·DY gives the gradient of
// every patch, which is added to the image piece by piece.
func (c *Context) lowerConvScatter(op engine.ConvBackward, s convShape) lowered {
	pixels := s.oh * s.ow
	panels := ceilDiv(s.patch, mr)
	stride := s.out * mr
	pack := func(w *worker, part int) {
		g, i := part/panels, part%panels
		packRows(c.shared[part*stride:], c.floats(op.W)[g*s.out*s.patch:], s.patch, s.out, 1, s.patch, i)
	}
	const width = 64
	run := func(w *worker, image int) { // image counts groups too
		g := image % s.groups
		dy := c.floats(op.DY)[image*s.yg:][:s.yg]
		dx := c.floats(op.DX)[image*s.xg:][:s.xg]
		b, patches := w.scratch[:blockK*width], w.scratch[blockK*width:]
		a := c.shared[g*panels*stride:]
		clear(dx)
		for j := 0; j < pixels; j += width {
			n := min(width, pixels-j)
			ldb := roundUp(n, nr)
			for k0 := 0; k0 < s.out; k0 += blockK {
				k := min(blockK, s.out-k0)
				packColumns(b, ldb, dy[k0*pixels+j:], k, n, pixels, 1)
				c.multiply(w, s.patch, n, k, a[k0*mr:], stride, b, ldb, patches, width, k0 > 0)
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
