package cpu

import (
	"math"

	"alexnet/engine"
	"alexnet/engine/cpu/internal/kernel"
)

// square is the window of within-map normalisation around one pixel, clipped at the map's
// edges: before pixels above and left of it, after pixels below and right. Mirrored, it
// is the set of pixels whose window covers this one.
type square struct{ before, after, h, w int }

// pitch and padded describe the map with its border of zeros.
func (q square) pitch() int  { return q.before + q.w + q.after }
func (q square) padded() int { return (q.before + q.h + q.after) * q.pitch() }

// sums replaces x by the sums over the window around each pixel, columns first and then
// rows. Each window is added up separately, so that an infinity affects only its own. It
// takes 2·padded floats of scratch.
func (q square) sums(add func(y, x []float32), scratch, x []float32) {
	pitch, size := q.pitch(), q.before+q.after+1
	plane, columns := scratch[:q.padded()], scratch[q.padded():][:q.padded()]
	clear(plane)
	for r := range q.h {
		copy(plane[(q.before+r)*pitch+q.before:], x[r*q.w:][:q.w])
	}
	n := len(plane) - (size - 1)
	copy(columns, plane)
	for i := 1; i < size; i++ {
		add(columns[:n], plane[i:][:n])
	}
	n -= (size - 1) * pitch
	copy(plane, columns[:n])
	for i := 1; i < size; i++ {
		add(plane[:n], columns[i*pitch:][:n])
	}
	for r := range q.h {
		copy(x[r*q.w:][:q.w], plane[r*pitch:])
	}
}

// within is normalisation over the pixels of one map.
type within struct {
	square
	kernels  *kernel.Set
	k, alpha float64
	beta     float64
}

func newWithin(kernels *kernel.Set, r engine.Response, s engine.Shape) within {
	return within{square{r.Size / 2, (r.Size - 1) / 2, s[2], s[3]}, kernels, r.K, r.AlphaPerTerm(), r.Beta}
}

func (n within) area() int { return n.h * n.w }

// roots writes the square root of the sum of squares over each pixel's window, as a
// window of one row for the kernels across maps.
func (n within) roots(scratch, roots, x []float32) kernel.Neighbours {
	for i, v := range x {
		roots[i] = v * v
	}
	n.sums(n.kernels.Add, scratch, roots)
	for i, v := range roots {
		roots[i] = float32(math.Sqrt(float64(v)))
	}
	return kernel.Neighbours{X: roots, Rows: 1}
}

func (c *Context) lowerWithinForward(op engine.LRNForward, s engine.Shape) lowered {
	n := newWithin(c.kernels, op.Response, s)
	area := n.area()
	return lowered{
		scratch: area + 2*n.padded(),
		stages: []stage{{s[0] * s[1], func(w *worker, part int) {
			x, y := c.floats(op.X)[part*area:][:area], c.floats(op.Y)[part*area:][:area]
			window := n.roots(w.scratch[area:], w.scratch[:area], x)
			if n.beta == 0.75 {
				n.kernels.LRNForward(window, x, y, float32(n.k), float32(n.alpha))
				return
			}
			for i, v := range x {
				y[i] = float32(float64(v) * math.Pow(n.scale(window, i), -n.beta))
			}
		}}},
	}
}

func (c *Context) lowerWithinBackward(op engine.LRNBackward, s engine.Shape) lowered {
	n := newWithin(c.kernels, op.Response, s)
	area := n.area()
	mirrored := square{n.after, n.before, n.h, n.w}
	factor := float32(2 * n.alpha * n.beta)
	return lowered{
		scratch: 3*area + 2*n.padded(),
		stages: []stage{{s[0] * s[1], func(w *worker, part int) {
			at := part * area
			x := c.floats(op.X)[at:][:area]
			dy, dx := c.floats(op.DY)[at:][:area], c.floats(op.DX)[at:][:area]
			roots, ratios, directs, scratch := w.scratch[:area], w.scratch[area:][:area], w.scratch[2*area:][:area], w.scratch[3*area:]
			window := n.roots(scratch, roots, x)
			if n.beta == 0.75 {
				n.kernels.LRNTerms(window, x, dy, ratios, directs, float32(n.k), float32(n.alpha))
			} else {
				for i, v := range x {
					scale := n.scale(window, i)
					g := float64(dy[i]) * math.Pow(scale, -n.beta)
					ratios[i], directs[i] = float32(g*float64(v)/scale), float32(g)
				}
			}
			mirrored.sums(n.kernels.Add, scratch, ratios)
			n.kernels.LRNCombine(kernel.Neighbours{X: ratios, Rows: 1}, directs, x, dx, factor)
		}}},
	}
}

func (n within) scale(w kernel.Neighbours, i int) float64 { return n.k + n.alpha*float64(w.Squares(i)) }
