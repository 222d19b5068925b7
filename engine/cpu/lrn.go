package cpu

import (
	"math"

	"alexnet/engine"
)

// lrnWidth is how many neighbouring pixels of every map are normalised
// together.
const lrnWidth = 128

// lrnGeometry checks what both directions have in common.
func lrnGeometry(kind string, r engine.Response, groups int, x *engine.Tensor) (s engine.Shape, err error) {
	if s, err = shapeOf(kind, "X", x); err != nil {
		return s, err
	}
	switch {
	case groups < 1 || s[1]%groups != 0:
		return s, opErrorf(kind, "%d groups do not divide %v", groups, x)
	case r.Size < 1:
		return s, opErrorf(kind, "size %d, want at least 1", r.Size)
	}
	return s, nil
}

// lowerLRNForward keeps, for a strip of pixels of one group of one image, the
// squares of the maps in the window and their sum.
func (c *Context) lowerLRNForward(op engine.LRNForward) (lowered, error) {
	s, err := lrnGeometry(op.Kind(), op.Response, op.Groups, op.X)
	if err != nil {
		return lowered{}, err
	}
	if err := check(op.Kind(), want{"X", op.X, engine.Working, s}, want{"Y", op.Y, engine.Working, s}); err != nil {
		return lowered{}, err
	}
	if op.Within {
		return c.lowerWithinForward(op, s), nil
	}
	n := newAcross(op.Response, op.Groups, s)
	return lowered{
		scratch: 2 * lrnWidth,
		stages: []stage{{n.parts(), func(w *worker, part int) {
			at, width := n.strip(part)
			n.forward(c, w, c.floats(op.X)[at:], c.floats(op.Y)[at:], width)
		}}},
	}, nil
}

// lowerLRNBackward recomputes the scale from X.
func (c *Context) lowerLRNBackward(op engine.LRNBackward) (lowered, error) {
	kind := op.Kind()
	s, err := lrnGeometry(kind, op.Response, op.Groups, op.X)
	if err != nil {
		return lowered{}, err
	}
	if err := check(kind, want{"X", op.X, engine.Working, s}, want{"Y", op.Y, engine.Working, s},
		want{"DY", op.DY, engine.Working, s}, want{"DX", op.DX, engine.Working, s}); err != nil {
		return lowered{}, err
	}
	if op.Within {
		return c.lowerWithinBackward(op, s), nil
	}
	n := newAcross(op.Response, op.Groups, s)
	return lowered{
		scratch: (2*n.maps + 2) * lrnWidth,
		stages: []stage{{n.parts(), func(w *worker, part int) {
			at, width := n.strip(part)
			n.backward(c, w, c.floats(op.X)[at:], c.floats(op.Y)[at:], c.floats(op.DY)[at:], c.floats(op.DX)[at:], width)
		}}},
	}, nil
}

// across is normalisation over neighbouring maps.
type across struct {
	below, above int // maps of the window below and above the centre
	k, alpha     float32
	beta         float64
	groups, maps int // maps of a group
	area, strips int
	images       int
}

func newAcross(r engine.Response, groups int, s engine.Shape) *across {
	area := s[2] * s[3]
	return &across{
		below: r.Size / 2, above: (r.Size - 1) / 2,
		k: float32(r.K), alpha: float32(r.AlphaPerTerm()), beta: r.Beta,
		groups: groups, maps: s[1] / groups, area: area, strips: ceilDiv(area, lrnWidth), images: s[0],
	}
}

func (n *across) parts() int { return n.images * n.groups * n.strips }

// strip is the offset of a part's first element in the tensor, and its width.
func (n *across) strip(part int) (at, width int) {
	group, strip := part/n.strips, part%n.strips
	return group*n.maps*n.area + strip*lrnWidth, min(lrnWidth, n.area-strip*lrnWidth)
}

// scale fills s with K + Alpha/m·Σ x² for map m, adding the squares afresh:
// a running sum would keep the rounding errors, and infinities, of maps that
// have left the window.
func (n *across) scale(s, x []float32, m int) {
	for i := range s {
		s[i] = 0
	}
	for j := max(0, m-n.below); j <= min(n.maps-1, m+n.above); j++ {
		for i, v := range x[j*n.area:][:len(s)] {
			s[i] += v * v
		}
	}
	for i, v := range s {
		s[i] = n.k + n.alpha*v
	}
}

// power is s^−beta.
func (n *across) power(s float32) float32 {
	if n.beta == 0.75 {
		r := math.Sqrt(float64(s))
		return float32(1 / (r * math.Sqrt(r)))
	}
	return float32(math.Pow(float64(s), -n.beta))
}

func (n *across) forward(c *Context, w *worker, x, y []float32, width int) {
	s := w.scratch[:width]
	for m := range n.maps {
		n.scale(s, x, m)
		out, in := y[m*n.area:][:width], x[m*n.area:][:width]
		for i, v := range in {
			out[i] = v * n.power(s[i])
		}
	}
}

// backward computes
//
//	DX_i = DY_i·s_i^−β − 2·(α/m)·β·X_i · Σ_j DY_j·Y_j/s_j
//
// over the maps j whose window holds map i: the window mirrored.
func (n *across) backward(c *Context, w *worker, x, y, dy, dx []float32, width int) {
	s := w.scratch[:width]
	ratios := w.scratch[lrnWidth:]            // DY·Y/s of every map
	direct := w.scratch[lrnWidth*(1+n.maps):] // DY·s^−β of every map
	sum := w.scratch[lrnWidth*(1+2*n.maps):][:width]
	for m := range n.maps {
		n.scale(s, x, m)
		ym, dym := y[m*n.area:][:width], dy[m*n.area:][:width]
		r, d := ratios[m*lrnWidth:][:width], direct[m*lrnWidth:][:width]
		for i, v := range s {
			r[i] = dym[i] * ym[i] / v
			d[i] = dym[i] * n.power(v)
		}
	}
	factor := float32(2 * float64(n.alpha) * n.beta)
	for m := range n.maps {
		clear(sum)
		for j := max(0, m-n.above); j <= min(n.maps-1, m+n.below); j++ {
			for i, v := range ratios[j*lrnWidth:][:width] {
				sum[i] += v
			}
		}
		xm, out, d := x[m*n.area:][:width], dx[m*n.area:][:width], direct[m*lrnWidth:][:width]
		for i, v := range sum {
			out[i] = d[i] - factor*xm[i]*v
		}
	}
}
