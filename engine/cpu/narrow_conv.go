package cpu

import (
	"alexnet/engine"
	"alexnet/engine/cpu/internal/bf16"
)

// correlation is a convolution with stride 1, the form of the products. A stride s is
// folded: s×s neighbouring pixels become one with s² times as many maps, and so do the
// weights.
type correlation struct {
	size, fold, pad int // size in folded pixels, pad in pixels
	images, groups  int
	in, h, w        int // of X, a group's maps
	maps            int // of X, all groups'
	depth           int // words of a folded pixel: fold²·in, padded
	out, oh, ow     int // of Y, a group's maps
	rows, pitch     int // folded pixels of a slab: one group of one image, with its padding
}

func (n *narrow) correlation(win engine.Window, groups int, x, y engine.Shape) correlation {
	c := correlation{
		size: ceilDiv(win.Size, win.Stride), fold: win.Stride, pad: win.Pad,
		images: x[0], groups: groups, in: x[1] / groups, h: x[2], w: x[3], maps: x[1],
		out: y[1] / groups, oh: y[2], ow: y[3],
	}
	c.depth = n.padPairs(c.fold*c.fold*c.in, c.size)
	c.rows = c.oh + c.size - 1
	c.pitch = c.ow + c.size - 1
	return c
}

// slack returns the folded pixels of zeros after a slab. Partly used tiles, and joined
// rows, may read them.
func (c *correlation) slack() int { return 16 + c.size }

func (c *correlation) slab() int { return (c.rows*c.pitch + c.slack()) * c.depth }

// line returns the number of words of a row of pixels before it is folded into a
// slab.
func (c *correlation) line() int { return c.pitch * c.fold * c.in }

// fill copies one group of one image, beginning at x, to a slab.
func (c *correlation) fill(slab, line, x []uint16) {
	if c.fold == 1 {
		width := min(c.w, c.pitch-c.pad)
		for r := range c.rows {
			dst := slab[r*c.pitch*c.depth:][:c.pitch*c.depth]
			c.row(dst, x, r-c.pad, width, c.depth)
		}
	} else {
		line = line[:c.line()]
		chunk := c.fold * c.in
		width := min(c.w, c.pitch*c.fold-c.pad)
		for r := range c.rows {
			for sub := range c.fold {
				c.row(line, x, r*c.fold+sub-c.pad, width, c.in)
				dst := slab[r*c.pitch*c.depth+sub*chunk:]
				for p := range c.pitch {
					copy(dst[p*c.depth:][:chunk], line[p*chunk:])
				}
			}
			if used := c.fold * chunk; used < c.depth {
				for p := range c.pitch {
					clear(slab[(r*c.pitch+p)*c.depth:][used:c.depth])
				}
			}
		}
	}
	clear(slab[c.rows*c.pitch*c.depth:][:c.slack()*c.depth])
}

// row copies row y, or zeros beyond the image, to pixels that are step apart.
func (c *correlation) row(dst, x []uint16, y, width, step int) {
	if y < 0 || y >= c.h {
		clear(dst)
		return
	}
	clear(dst[:c.pad*step])
	clear(dst[(c.pad+width)*step:])
	dst, x = dst[c.pad*step:][:width*step], x[y*c.w*c.maps:]
	if step == c.maps {
		copy(dst, x)
		return
	}
	for p := range width {
		d := dst[p*step:][:step]
		copy(d, x[p*c.maps:][:c.in])
		clear(d[c.in:])
	}
}

// patch returns the number of words of a folded output map's weights.
func (c *correlation) patch() int { return c.size * c.size * c.depth }

// foldStage returns the stage that folds weights, (O, k, k, I) of kernel², into (O,
// size, size, depth) at the start of kept, and its size in words.
func (n *narrow) foldStage(c correlation, kernel int, w *engine.Tensor, kept *constant) (stage, int) {
	words := c.groups * c.out * c.patch()
	return stage{c.groups * c.out, func(_ *worker, o int) {
		dst, src := halves(kept.of(n.Context))[o*c.patch():][:c.patch()], n.words(w)[o*kernel*kernel*c.in:]
		clear(dst)
		for ky := range kernel {
			for kx := range kernel {
				at := (ky/c.fold*c.size+kx/c.fold)*c.depth + (ky%c.fold*c.fold+kx%c.fold)*c.in
				copy(dst[at:], src[(ky*kernel+kx)*c.in:][:c.in])
			}
		}
	}}, words
}

// tiles cuts the outputs of a correlation into Gemm's tiles.
type tiles struct {
	height, vectors int
	panels          int          // of a group's output maps
	groups          []bf16.Group // of an image
	first, valid    []int        // of each group: its first output pixel, and how many it has
	chunk           int          // groups that are computed before the next stage finishes them
	segments        []bf16.Segment
	panel           int // words of a packed panel
}

func (n *narrow) tiles(c *correlation) *tiles {
	t := &tiles{vectors: n.width(c.out)}
	t.height = n.height(c.ow, t.vectors)
	columns := 16 * t.vectors
	t.panels = ceilDiv(c.out, columns)
	t.chunk = max(2, 8192/(t.height*columns)&^1)
	groups := c.oh * ceilDiv(c.ow, t.height)
	t.groups, t.first, t.valid = make([]bf16.Group, 0, groups), make([]int, 0, groups), make([]int, 0, groups)
	for y := range c.oh {
		for x := 0; x < c.ow; x += t.height {
			i := len(t.groups) % t.chunk
			t.groups = append(t.groups, bf16.Group{A: 2 * (y*c.pitch + x) * c.depth, C: 4 * i * t.height * columns})
			t.first = append(t.first, y*c.ow+x)
			t.valid = append(t.valid, min(t.height, c.ow-x))
		}
	}
	for ky := range c.size {
		t.segments = append(t.segments, bf16.Segment{A: 2 * ky * c.pitch * c.depth, B: 2 * ky * c.size * c.depth * columns})
	}
	t.panel = c.patch() * columns
	return t
}

// sums returns the number of floats of a chunk's sums.
func (t *tiles) sums() int { return t.chunk * t.height * 16 * t.vectors }

// slices returns the number of parts of an image's panels, for batches of few images.
func (t *tiles) slices(c *correlation) int {
	return min(t.panels, ceilDiv(16, c.images*c.groups))
}

// correlate computes one group of one image: panels lo to hi of its output maps. packed
// has all panels of the group.
func (n *narrow) correlate(w *worker, c *correlation, t *tiles, slab, packed []uint16, sums []float32, lo, hi int, done func(panel, group int)) {
	columns := 16 * t.vectors
	p := &w.product
	*p = bf16.Product{C: address(sums), LDC: 4 * columns, A: address(slab), LDA: 2 * c.depth, LDB: 4 * columns,
		Segments: &t.segments[0], Count: len(t.segments), Pairs: c.size * c.depth / 2, Vectors: t.vectors, Height: t.height}
	for panel := lo; panel < hi; panel++ {
		p.B = address(packed[panel*t.panel:])
		for g := 0; g < len(t.groups); g += t.chunk {
			end := min(len(t.groups), g+t.chunk)
			p.Groups = t.groups[g:end]
			n.set.Gemm(p)
			for i := g; i < end; i++ {
				done(panel, i)
			}
		}
	}
}

// lowerConvForward multiplies patches in a slab by packed weights. Constant weights stay
// packed from one run to the next.
func (n *narrow) lowerConvForward(op engine.ConvForward, relu, constantWeights bool) lowered {
	c := n.correlation(op.Window, op.Groups, op.X.Shape, op.Y.Shape)
	t := n.tiles(&c)
	columns := 16 * t.vectors
	var l lowered
	if constantWeights {
		l.constant = &constant{weights: op.W}
	}
	kept := l.constant
	var making []stage
	folded := 0
	if c.fold > 1 || c.depth != c.in {
		var s stage
		s, folded = n.foldStage(c, op.Size, op.W, kept)
		making = append(making, s)
	}
	folded = roundUp(folded, 32)
	l.stages = n.keep(kept, append(making, stage{c.groups * t.panels, func(_ *worker, part int) {
		g, o := part/t.panels, part%t.panels*columns
		memory, src := halves(kept.of(n.Context)), n.words(op.W)
		if folded > 0 {
			src = memory
		}
		dst := pairsOf(memory[folded+part*t.panel:])
		n.set.TurnPairs(&dst[0], columns, &src[(g*c.out+o)*c.patch()], c.patch(), min(columns, c.out-o), c.patch())
	}})...)
	slices := t.slices(&c)
	maps := c.groups * c.out
	l.stages = append(l.stages, stage{c.images * c.groups * slices, func(w *worker, part int) {
		at, slice := part/slices, part%slices
		image, g := at/c.groups, at%c.groups
		lo, hi := slice*t.panels/slices, (slice+1)*t.panels/slices
		scratch := carve(w.scratch)
		slab, line, sums, bias := scratch.words(c.slab()), scratch.words(c.line()), scratch.floats(t.sums()), scratch.floats(c.out)
		c.fill(slab, line, n.words(op.X)[image*c.h*c.w*c.maps+g*c.in:])
		n.values(bias, op.B, g*c.out)
		y := n.words(op.Y)[image*c.oh*c.ow*maps+g*c.out:]
		n.correlate(w, &c, t, slab, halves(kept.of(n.Context))[folded+g*t.panels*t.panel:], sums, lo, hi, func(panel, group int) {
			o := panel * columns
			b := bias[o:min(c.out, o+columns)]
			n.set.Finish(&y[t.first[group]*maps+o], maps, &sums[group%t.chunk*t.height*columns], columns, b, t.valid[group], relu)
		})
	}})
	l.shared = floatsOf((folded + c.groups*t.panels*t.panel) / 2)
	if kept != nil {
		kept.floats, l.shared = l.shared, 0
	}
	l.scratch = floatsOf(c.slab()/2+1, c.line()/2+1, t.sums(), c.out)
	if relu {
		l.skip = 1
	}
	return l
}

// pairsOf returns the memory of words as pairs.
func pairsOf(w []uint16) []uint32 { return pairSlice(address(w), len(w)/2) }

// lowerConvData computes DX as a correlation of DY with the weights turned by 180° and
// their maps exchanged. The padding of DY is the part of a window beyond the image. If
// the convolution is folded, so is the result, on the padded image.
func (n *narrow) lowerConvData(op engine.ConvBackward) lowered {
	forward := n.correlation(op.Window, op.Groups, op.X.Shape, op.DY.Shape)
	out := forward.fold * forward.fold * forward.in
	oh, ow, pad := forward.h, forward.w, op.Size-1-op.Pad
	if forward.fold > 1 {
		oh, ow, pad = forward.oh+forward.size-1, forward.ow+forward.size-1, forward.size-1
	}
	c := n.correlation(engine.Window{Size: forward.size, Stride: 1, Pad: pad}, op.Groups, op.DY.Shape,
		engine.Shape{forward.images, op.Groups * out, oh, ow})
	t := n.tiles(&c)
	columns := 16 * t.vectors
	var l lowered
	folded := 0
	if forward.fold > 1 || forward.depth != forward.in {
		var s stage
		s, folded = n.foldStage(forward, op.Size, op.W, nil)
		l.stages = append(l.stages, s)
	}
	folded = roundUp(folded, 32)
	l.stages = append(l.stages, stage{c.groups * t.panels, func(_ *worker, part int) {
		g, i := part/t.panels, part%t.panels*columns
		src := n.words(op.W)
		if folded > 0 {
			src = halves(n.shared)
		}
		src = src[g*c.in*forward.patch():]
		dst := pairsOf(halves(n.shared)[folded+part*t.panel:][:t.panel])
		if c.depth != c.in {
			clear(dst)
		}
		for k := range c.size * c.size {
			turned := c.size*c.size - 1 - k
			n.set.Interleave(&dst[k*c.depth/2*columns], columns, &src[turned*forward.depth+i], forward.patch(), c.in, min(columns, c.out-i))
		}
	}})
	slices := t.slices(&c)
	maps := forward.maps
	unfolded := 0
	if forward.fold > 1 {
		slices, unfolded = 1, oh*ow*out
	}
	zeros := make([]float32, columns)
	l.stages = append(l.stages, stage{c.images * c.groups * slices, func(w *worker, part int) {
		at, slice := part/slices, part%slices
		image, g := at/c.groups, at%c.groups
		lo, hi := slice*t.panels/slices, (slice+1)*t.panels/slices
		scratch := carve(w.scratch)
		slab, line, sums, whole := scratch.words(c.slab()), scratch.words(c.line()), scratch.floats(t.sums()), scratch.words(unfolded)
		c.fill(slab, line, n.words(op.DY)[image*c.h*c.w*c.maps+g*c.in:])
		dx := n.words(op.DX)[image*forward.h*forward.w*maps+g*forward.in:]
		y, step := dx, maps
		if unfolded > 0 {
			y, step = whole, out
		}
		n.correlate(w, &c, t, slab, halves(n.shared)[folded+g*t.panels*t.panel:], sums, lo, hi, func(panel, group int) {
			i := panel * columns
			n.set.Finish(&y[t.first[group]*step+i], step, &sums[group%t.chunk*t.height*columns], columns, zeros[:min(columns, c.out-i)], t.valid[group], false)
		})
		if unfolded > 0 {
			forward.unfold(dx, whole, ow)
		}
	}})
	l.shared = floatsOf((folded + c.groups*t.panels*t.panel) / 2)
	l.scratch = floatsOf(c.slab()/2+1, c.line()/2+1, t.sums(), unfolded/2+1)
	return l
}

// unfold copies the gradient of a padded, folded image, across pixels wide, to the
// image's gradient. Pixels that no window reads get 0.
func (c *correlation) unfold(dx, whole []uint16, across int) {
	down := len(whole) / (across * c.fold * c.fold * c.in)
	for y := range c.h {
		for x := range c.w {
			to := dx[(y*c.w+x)*c.maps:][:c.in]
			fy, fx := y+c.pad, x+c.pad
			if fy/c.fold >= down || fx/c.fold >= across {
				clear(to)
				continue
			}
			copy(to, whole[((fy/c.fold*across+fx/c.fold)*c.fold*c.fold+fy%c.fold*c.fold+fx%c.fold)*c.in:])
		}
	}
}

func (n *narrow) lowerConvBackward(op engine.ConvBackward) lowered {
	l := n.lowerConvWeights(op)
	if op.DX == nil {
		return l
	}
	return l.then(n.lowerConvData(op))
}

// then returns l followed by the stages of other.
func (l lowered) then(other lowered) lowered {
	l.shared, l.scratch = max(l.shared, other.shared), max(l.scratch, other.scratch)
	l.stages = append(l.stages, other.stages...)
	return l
}
