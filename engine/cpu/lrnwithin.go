package cpu

import (
	"math"

	"alexnet/engine"
)

// square is the window of within-map normalisation around one pixel, clipped
// at the map's edges: Size/2 pixels before, (Size−1)/2 after. Mirrored, it is
// the set of pixels whose window holds this one.
type square struct{ before, after, h, w int }

// sum adds x over the window around (row, column).
func (q square) sum(x []float32, row, column int) float64 {
	var sum float64
	for r := max(0, row-q.before); r <= min(q.h-1, row+q.after); r++ {
		for _, v := range x[r*q.w+max(0, column-q.before) : r*q.w+min(q.w-1, column+q.after)+1] {
			sum += float64(v)
		}
	}
	return sum
}

// lowerWithinForward normalises map by map, in plain loops: only the preset of
// run 145 asks for it.
func (c *Context) lowerWithinForward(op engine.LRNForward, s engine.Shape) lowered {
	area := s[2] * s[3]
	q := square{op.Size / 2, (op.Size - 1) / 2, s[2], s[3]}
	alpha := op.AlphaPerTerm()
	return lowered{
		scratch: area,
		stages: []stage{{s[0] * s[1], func(w *worker, part int) {
			x, y := c.floats(op.X)[part*area:][:area], c.floats(op.Y)[part*area:][:area]
			squares := w.scratch[:area]
			for i, v := range x {
				squares[i] = v * v
			}
			for i, v := range x {
				y[i] = float32(float64(v) * math.Pow(op.K+alpha*q.sum(squares, i/q.w, i%q.w), -op.Beta))
			}
		}}},
	}
}

func (c *Context) lowerWithinBackward(op engine.LRNBackward, s engine.Shape) lowered {
	area := s[2] * s[3]
	q := square{op.Size / 2, (op.Size - 1) / 2, s[2], s[3]}
	mirrored := square{q.after, q.before, q.h, q.w}
	alpha := op.AlphaPerTerm()
	return lowered{
		scratch: 3 * area,
		stages: []stage{{s[0] * s[1], func(w *worker, part int) {
			at := part * area
			x := c.floats(op.X)[at:][:area]
			dy, dx := c.floats(op.DY)[at:][:area], c.floats(op.DX)[at:][:area]
			squares, ratios, direct := w.scratch[:area], w.scratch[area:][:area], w.scratch[2*area:][:area]
			for i, v := range x {
				squares[i] = v * v
			}
			for i, v := range x {
				scale := op.K + alpha*q.sum(squares, i/q.w, i%q.w)
				g := float64(dy[i]) * math.Pow(scale, -op.Beta)
				ratios[i], direct[i] = float32(g*float64(v)/scale), float32(g)
			}
			for i, v := range x {
				sum := mirrored.sum(ratios, i/q.w, i%q.w)
				dx[i] = float32(float64(direct[i]) - 2*alpha*op.Beta*float64(v)*sum)
			}
		}}},
	}
}
