package cpu

import "alexnet/engine"

// convShape is the geometry of a convolution for one image and one group.
type convShape struct {
	engine.Window
	groups int
	images int
	in     int // input maps of a group
	h, w   int // input rows and columns
	out    int // output maps of a group
	oh, ow int // output rows and columns
	patch  int // in·Size²: the depth of the product
	xg, yg int // elements of one group of one image of X and Y
}

// convGeometry checks the tensors that both directions have.
func convGeometry(kind string, win engine.Window, groups int, x, w, y *engine.Tensor, yRole string) (convShape, error) {
	var s convShape
	xs, err := shapeOf(kind, "X", x)
	if err != nil {
		return s, err
	}
	ys, err := shapeOf(kind, yRole, y)
	if err != nil {
		return s, err
	}
	if err := win.Validate(); err != nil {
		return s, opError(kind, err)
	}
	if groups < 1 || xs[1]%groups != 0 || ys[1]%groups != 0 {
		return s, opErrorf(kind, "%d groups do not divide %v and %v", groups, x, y)
	}
	s = convShape{Window: win, groups: groups, images: xs[0],
		in: xs[1] / groups, h: xs[2], w: xs[3],
		out: ys[1] / groups, oh: win.Out(xs[2]), ow: win.Out(xs[3])}
	if s.oh < 1 || s.ow < 1 {
		return s, opErrorf(kind, "a window of %d with pad %d does not fit %v", win.Size, win.Pad, x)
	}
	s.patch = s.in * win.Size * win.Size
	s.xg, s.yg = s.in*s.h*s.w, s.out*s.oh*s.ow
	return s, check(kind,
		want{"X", x, engine.Working, xs},
		want{"W", w, engine.Float32, engine.Shape{ys[1], s.in, win.Size, win.Size}},
		want{yRole, y, engine.Working, engine.Shape{xs[0], ys[1], s.oh, s.ow}})
}

// tiles cuts the pixels of an output image into pieces of at most blockN.
func tiles(pixels int) (width, count int) {
	count = ceilDiv(pixels, blockN)
	width = roundUp(ceilDiv(pixels, count), nr)
	return width, ceilDiv(pixels, width)
}

// lowerConvForward multiplies, for every image, group and tile of pixels, the
// packed weights (out × patch) by patches packed straight from the image.
func (c *Context) lowerConvForward(op engine.ConvForward, relu bool) (lowered, error) {
	s, err := convGeometry(op.Kind(), op.Window, op.Groups, op.X, op.W, op.Y, "Y")
	if err != nil {
		return lowered{}, err
	}
	if err := check(op.Kind(), want{"B", op.B, engine.Float32, engine.Shape{s.out * s.groups, 1, 1, 1}}); err != nil {
		return lowered{}, err
	}
	panels := ceilDiv(s.out, mr)
	pack := func(w *worker, part int) {
		g, i := part/panels, part%panels
		packRows(c.shared[part*s.patch*mr:], c.floats(op.W)[g*s.out*s.patch:], s.out, s.patch, s.patch, 1, i)
	}
	mul := c.correlate(s, op.X, op.Y, op.B, relu)
	l := lowered{
		shared:  s.groups * packedA(s.out, s.patch),
		scratch: blockK * blockN,
		stages:  []stage{{s.groups * panels, pack}, mul},
	}
	if relu {
		l.skip = 1
	}
	return l, nil
}

// correlate is the stage that computes y from x and the packed weights of all
// groups at the start of the shared workspace.
func (c *Context) correlate(s convShape, x, y, bias *engine.Tensor, relu bool) stage {
	stride := s.patch * mr
	pixels := s.oh * s.ow
	width, count := tiles(pixels)
	return stage{s.images * s.groups * count, func(w *worker, part int) {
		image, j := part/count, part%count*width // image counts groups too
		g := image % s.groups
		n := min(width, pixels-j)
		ldb := roundUp(n, nr)
		in, out := c.floats(x)[image*s.xg:][:s.xg], c.floats(y)[image*s.yg:][:s.yg]
		a := c.shared[g*roundUp(s.out, mr)*s.patch:]
		for k0 := 0; k0 < s.patch; k0 += blockK {
			k := min(blockK, s.patch-k0)
			s.packPatches(w.scratch, ldb, in, k0, k, j, n)
			c.multiply(w, s.out, n, k, a[k0*mr:], stride, w.scratch, ldb, out[j:], pixels, k0 > 0)
		}
		if bias != nil {
			finishRows(out[j:], pixels, s.out, n, c.floats(bias)[g*s.out:], relu)
		}
	}}
}

// packPatches writes rows k0…k0+k of the patch matrix, columns (output pixels)
// j…j+n, into rows of ldb values; values beyond n become 0. Row (i,ky,kx) of the
// matrix holds, for every output pixel, the input that weight meets.
func (s *convShape) packPatches(dst []float32, ldb int, x []float32, k0, k, j, n int) {
	y0, x0 := j/s.ow, j%s.ow
	for p := range k {
		d := dst[p*ldb:][:ldb]
		kx := (k0 + p) % s.Size
		ky := (k0 + p) / s.Size % s.Size
		plane := x[(k0+p)/(s.Size*s.Size)*s.h*s.w:][:s.h*s.w]
		for at, oy, ox := 0, y0, x0; at < n; oy, ox = oy+1, 0 {
			run := min(s.ow-ox, n-at)
			seg := d[at:][:run]
			at += run
			iy := oy*s.Stride - s.Pad + ky
			if iy < 0 || iy >= s.h {
				clear(seg)
				continue
			}
			row := plane[iy*s.w:][:s.w]
			ix := ox*s.Stride - s.Pad + kx
			if s.Stride == 1 {
				left := min(max(0, -ix), run)
				right := max(left, min(run, s.w-ix))
				clear(seg[:left])
				if right > left {
					copy(seg[left:right], row[ix+left:])
				}
				clear(seg[right:])
				continue
			}
			for i := range seg {
				if ix >= 0 && ix < s.w {
					seg[i] = row[ix]
				} else {
					seg[i] = 0
				}
				ix += s.Stride
			}
		}
		clear(d[n:])
	}
}
