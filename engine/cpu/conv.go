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

// shapeOf returns the geometry of a convolution of x into y.
func shapeOf(win engine.Window, groups int, x, y *engine.Tensor) convShape {
	s := convShape{Window: win, groups: groups, images: x.Shape[0],
		in: x.Shape[1] / groups, h: x.Shape[2], w: x.Shape[3],
		out: y.Shape[1] / groups, oh: y.Shape[2], ow: y.Shape[3]}
	s.patch = s.in * win.Size * win.Size
	s.xg, s.yg = s.in*s.h*s.w, s.out*s.oh*s.ow
	return s
}

// lowerConvForward multiplies, for every image, group and tile of pixels, the packed
// weights (out × patch) by patches packed straight from the image. With constant, the
// packed weights are kept from one run to the next.
func (c *Context) lowerConvForward(op engine.ConvForward, relu, constant bool) lowered {
	s := shapeOf(op.Window, op.Groups, op.X, op.Y)
	panels, stride := ceilDiv(s.out, c.kernels.MR), s.patch*c.kernels.MR
	pack := func(w *worker, part int) []float32 {
		g, i := part/panels, part%panels
		c.packPanel(w, w.scratch, c.floats(op.W)[g*s.out*s.patch:], s.out, s.patch, s.patch, i)
		return w.scratch[:stride]
	}
	var weights *engine.Tensor
	if constant {
		weights = op.W
	}
	l := c.lowerCorrelation(s, op.X, op.Y, op.B, relu, pack, weights)
	if relu {
		l.skip = 1
	}
	return l
}

// packer packs a panel of weights at the start of the worker's scratch memory. All
// groups have the same number of weights. Packing kernels write beyond the end of a
// panel, which would race with the worker that packs the next one.
type packer func(w *worker, part int) []float32

// lowerCorrelation computes y from x and the weights of pack. If weights is not nil, it
// is their tensor, and they are constant.
func (c *Context) lowerCorrelation(s convShape, x, y, bias *engine.Tensor, relu bool, pack packer, weights *engine.Tensor) lowered {
	if s.winogradWins(c.kernels, weights != nil) {
		return c.lowerWinograd(s, x, y, bias, relu, pack, weights)
	}
	return c.lowerDirect(s, x, y, bias, relu, pack, weights)
}

// lowerDirect is lowerCorrelation by definition.
func (c *Context) lowerDirect(s convShape, x, y, bias *engine.Tensor, relu bool, pack packer, weights *engine.Tensor) lowered {
	mr := c.kernels.MR
	stride := s.patch * mr
	l := lowered{shared: s.groups * c.packedA(s.out, s.patch)}
	if weights != nil {
		l.constant = &constant{weights: weights, floats: l.shared}
		l.shared = 0
	}
	k := l.constant
	l.stages = c.keep(k, stage{s.groups * ceilDiv(s.out, mr), func(w *worker, part int) {
		copy(k.of(c)[part*stride:], pack(w, part))
	}})
	multiply, scratch := c.correlate(s, x, y, bias, relu, k)
	l.stages, l.scratch = append(l.stages, multiply), max(scratch, stride+c.spill())
	return l
}

// stageRows is the number of rows of B that are collected in the first-level cache
// before they are copied to their panels.
const stageRows = 8

// correlate returns the stage that computes y from x and the packed weights of all
// groups, and its scratch memory.
func (c *Context) correlate(s convShape, x, y, bias *engine.Tensor, relu bool, weights *constant) (stage, int) {
	mr, nr, width := c.kernels.MR, c.kernels.NR, c.kernels.Block.N
	t := s.tiling(width, c.kernels)
	offsets := t.offsets()
	blocks := ceilDiv(s.patch, c.kernels.Block.K)
	depth := ceilDiv(s.patch, blocks)
	stride := s.patch * mr
	pixels := s.oh * s.ow
	run := func(w *worker, part int) {
		image, tile := part/t.count, part%t.count // image counts groups, too
		g := image % s.groups
		in, out := c.floats(x)[image*s.xg:][:s.xg], c.floats(y)[image*s.yg:][:s.yg]
		a := weights.of(c)[g*c.packedA(s.out, s.patch):]
		slab, b := w.scratch[:t.slabSize()], w.scratch[t.slabSize():]
		staged := b[c.packedB(depth, width):]
		row, rows, column, columns := t.place(tile)
		t.fill(slab, in, row, rows)
		j, n := row*s.ow+column, rows*columns
		for k0 := 0; k0 < s.patch; k0 += depth {
			k := min(depth, s.patch-k0)
			for p := 0; p < k; p += stageRows {
				rest := min(stageRows, k-p)
				c.kernels.PackCopy(pointer(staged), width, pointer(slab[column:]), &offsets[k0+p], rest, rows, columns, t.stride())
				c.kernels.PackPanels(pointer(b[p*nr:]), k*nr, pointer(staged), width, rest, ceilDiv(n, nr))
			}
			c.multiply(w, s.out, n, k, a[k0*mr:], stride, b, out[j:], pixels, k0 > 0)
		}
		if bias != nil {
			c.finishRows(out[j:], pixels, s.out, n, c.floats(bias)[g*s.out:], relu)
		}
	}
	return stage{s.images * s.groups * t.count, run}, t.slabSize() + c.packedB(depth, width) + stageRows*width + c.spill()
}
