package cpu

import (
	"math"

	"alexnet/engine"
	"alexnet/engine/cpu/internal/kernel"
)

// lrnWidth is about the number of neighbouring pixels of every map that are normalised
// together.
const lrnWidth = 128

// lowerLRNForward works on strips of pixels of one group of one image, so that the
// maps of a window are read from memory once.
func (c *Context) lowerLRNForward(op engine.LRNForward) lowered {
	s := op.X.Shape
	if op.Within {
		return c.lowerWithinForward(op, s)
	}
	n := newAcross(c.kernels, op.Response, op.Groups, s)
	return lowered{
		stages: []stage{{n.parts(), func(w *worker, part int) {
			at, width := n.strip(part)
			n.forward(c.floats(op.X)[at:], c.floats(op.Y)[at:], n.area, width)
		}}},
	}
}

// lowerLRNBackward computes the scale again from X.
func (c *Context) lowerLRNBackward(op engine.LRNBackward) lowered {
	s := op.X.Shape
	if op.Within {
		return c.lowerWithinBackward(op, s)
	}
	n := newAcross(c.kernels, op.Response, op.Groups, s)
	return lowered{
		scratch: 2 * n.maps * lrnWidth,
		stages: []stage{{n.parts(), func(w *worker, part int) {
			at, width := n.strip(part)
			n.backward(w.scratch, c.floats(op.X)[at:], c.floats(op.DY)[at:], n.area, c.floats(op.DX)[at:], width)
		}}},
	}
}

// across is normalisation over neighbouring maps.
type across struct {
	kernels      *kernel.Set
	below, above int // maps of the window below and above the centre
	k, alpha     float32
	beta         float64
	groups, maps int // maps of a group
	area, strips int
	images       int
}

func newAcross(kernels *kernel.Set, r engine.Response, groups int, s engine.Shape) *across {
	area := s[2] * s[3]
	return &across{
		kernels: kernels,
		below:   r.Size / 2, above: (r.Size - 1) / 2,
		k: float32(r.K), alpha: float32(r.AlphaPerTerm()), beta: r.Beta,
		groups: groups, maps: s[1] / groups, area: area, strips: ceilDiv(area, lrnWidth), images: s[0],
	}
}

func (n *across) parts() int { return n.images * n.groups * n.strips }

// strip returns the offset of a part's first element in the tensor, and its width.
func (n *across) strip(part int) (at, width int) {
	group, strip := part/n.strips, part%n.strips
	return group*n.maps*n.area + strip*lrnWidth, min(lrnWidth, n.area-strip*lrnWidth)
}

// window returns the maps below and above m, clipped at the group's edges. Their rows
// start at x and are stride apart.
func (n *across) window(x []float32, stride, m, below, above int) kernel.Neighbours {
	lo, hi := max(0, m-below), min(n.maps-1, m+above)
	return kernel.Neighbours{X: x[lo*stride:], Rows: hi - lo + 1, Stride: stride}
}

// forward normalises width pixels of every map; maps of y are pitch apart. It adds up the
// squares of each window separately: a running sum would keep the rounding errors, and
// infinities, of maps outside the window.
func (n *across) forward(x, y []float32, pitch, width int) {
	for m := range n.maps {
		w := n.window(x, n.area, m, n.below, n.above)
		in, out := x[m*n.area:][:width], y[m*pitch:][:width]
		if n.beta == 0.75 {
			n.kernels.LRNForward(w, in, out, n.k, n.alpha)
		} else {
			n.generalForward(w, in, out)
		}
	}
}

// backward computes
//
//	DX_i = DY_i·s_i^−β − 2·(α/m)·β·X_i · Σ_j DY_j·s_j^−β·X_j/s_j
//
// over the maps j whose window covers map i: the mirrored window. Maps of dy are pitch
// apart. It takes 2·maps·width floats of scratch.
func (n *across) backward(scratch, x, dy []float32, pitch int, dx []float32, width int) {
	ratios, directs := scratch[:n.maps*width], scratch[n.maps*width:]
	for m := range n.maps {
		w := n.window(x, n.area, m, n.below, n.above)
		xm, dym := x[m*n.area:][:width], dy[m*pitch:][:width]
		ratio, direct := ratios[m*width:][:width], directs[m*width:][:width]
		if n.beta == 0.75 {
			n.kernels.LRNTerms(w, xm, dym, ratio, direct, n.k, n.alpha)
		} else {
			n.generalTerms(w, xm, dym, ratio, direct)
		}
	}
	factor := float32(2 * float64(n.alpha) * n.beta)
	for m := range n.maps {
		w := n.window(ratios, width, m, n.above, n.below)
		n.kernels.LRNCombine(w, directs[m*width:][:width], x[m*n.area:][:width], dx[m*n.area:][:width], factor)
	}
}

// generalForward and generalTerms are the kernels of the same names for any β.
func (n *across) generalForward(w kernel.Neighbours, x, y []float32) {
	for i, v := range x {
		y[i] = float32(float64(v) * math.Pow(n.scale(w, i), -n.beta))
	}
}

func (n *across) generalTerms(w kernel.Neighbours, x, dy, ratio, direct []float32) {
	for i, v := range x {
		s := n.scale(w, i)
		g := float64(dy[i]) * math.Pow(s, -n.beta)
		ratio[i], direct[i] = float32(g*float64(v)/s), float32(g)
	}
}

func (n *across) scale(w kernel.Neighbours, i int) float64 {
	return float64(n.k) + float64(n.alpha)*float64(w.Squares(i))
}
