package cpu

import (
	"math"

	"alexnet/engine"
	"alexnet/engine/cpu/internal/bf16"
)

// lrnPixels is the number of pixels that are normalised together, all maps of each.
const lrnPixels = 32

// narrowLRN is normalisation over neighbouring maps. Rows of squares, and of ratios in
// the backward pass, have zeros before and after them, so that a window needs no clipping
// at the edge of its group.
type narrowLRN struct {
	n            *narrow
	size         int
	below, above int
	k, alpha     float32
	beta         float64
	groups, maps int // maps of a group
	pixels       int
	ld           int // floats of a row with its zeros
}

func (n *narrow) lrn(r engine.Response, groups int, s engine.Shape) *narrowLRN {
	maps := s[1] / groups
	return &narrowLRN{n: n, size: r.Size, below: r.Size / 2, above: (r.Size - 1) / 2,
		k: float32(r.K), alpha: float32(r.AlphaPerTerm()), beta: r.Beta,
		groups: groups, maps: maps, pixels: s[0] * s[2] * s[3], ld: roundUp(maps+r.Size, 16)}
}

// stage calls f for pieces of pixels; at is the number of the first one.
func (l *narrowLRN) stage(f func(w *worker, at, pixels int)) stage {
	return stage{ceilDiv(l.pixels, lrnPixels), func(w *worker, part int) {
		first := part * lrnPixels
		f(w, first*l.all(), min(lrnPixels, l.pixels-first))
	}}
}

// all is the number of values of a pixel.
func (l *narrowLRN) all() int { return l.groups * l.maps }

// scratch is the number of floats of forward's scratch, and a third of backward's.
func (l *narrowLRN) scratch() int { return lrnPixels * l.ld }

// squares writes rows of squares, after before zeros.
func (l *narrowLRN) squares(sq []float32, x *uint16, rows, before int) {
	clear(sq)
	l.n.set.Squares(&sq[before], l.ld, x, l.all(), rows, l.maps)
}

func (n *narrow) lowerLRNForward(op engine.LRNForward) lowered {
	if op.Within {
		return n.lowerWithinForward(op)
	}
	l := n.lrn(op.Response, op.Groups, op.X.Shape)
	return lowered{scratch: l.scratch(), stages: []stage{l.stage(func(w *worker, at, pixels int) {
		l.forward(w.scratch, n.words(op.X)[at:], n.words(op.Y)[at:], pixels)
	})}}
}

// forward normalises pixels.
func (l *narrowLRN) forward(scratch []float32, x, y []uint16, pixels int) {
	for first := 0; first < pixels*l.all(); first += lrnPixels * l.all() {
		rows := min(lrnPixels, pixels-first/l.all())
		for g := range l.groups {
			l.forwardRows(scratch[:rows*l.ld], &x[first+g*l.maps], &y[first+g*l.maps], rows)
		}
	}
}

func (l *narrowLRN) forwardRows(sq []float32, x, y *uint16, rows int) {
	l.squares(sq, x, rows, l.below)
	if l.beta == 0.75 {
		l.n.set.LRNForward(y, x, l.all(), &sq[0], l.ld, rows, l.maps, l.size, l.k, l.alpha)
		return
	}
	l.general(sq, rows, func(r, i int, s float64) {
		v := float64(bf16.Float(*bf16.At(x, r*l.all()+i))) * math.Pow(s, -l.beta)
		*bf16.At(y, r*l.all()+i) = bf16.Round(float32(v))
	})
}

// general calls f with every number's s, for any β.
func (l *narrowLRN) general(sq []float32, rows int, f func(r, i int, s float64)) {
	for r := range rows {
		for i := range l.maps {
			var sum float32
			for _, v := range sq[r*l.ld+i:][:l.size] {
				sum += v
			}
			f(r, i, float64(l.k)+float64(l.alpha)*float64(sum))
		}
	}
}

func (n *narrow) lowerLRNBackward(op engine.LRNBackward) lowered {
	if op.Within {
		return n.lowerWithinBackward(op)
	}
	l := n.lrn(op.Response, op.Groups, op.X.Shape)
	return lowered{scratch: 3 * l.scratch(), stages: []stage{l.stage(func(w *worker, at, pixels int) {
		l.backward(w.scratch, n.words(op.X)[at:], n.words(op.DY)[at:], n.words(op.DX)[at:], pixels)
	})}}
}

// backward computes the same as across.backward.
func (l *narrowLRN) backward(scratch []float32, x, dy, dx []uint16, pixels int) {
	for first := 0; first < pixels*l.all(); first += lrnPixels * l.all() {
		rows := min(lrnPixels, pixels-first/l.all())
		for g := range l.groups {
			at := first + g*l.maps
			l.backwardRows(scratch, &x[at], &dy[at], &dx[at], rows)
		}
	}
}

func (l *narrowLRN) backwardRows(scratch []float32, x, dy, dx *uint16, rows int) {
	size := l.scratch()
	sq, ratio, direct := scratch[:rows*l.ld], scratch[size:][:rows*l.ld], scratch[2*size:][:rows*l.ld]
	l.squares(sq, x, rows, l.below)
	clear(ratio)
	if l.beta == 0.75 {
		l.n.set.LRNTerms(&ratio[l.above], &direct[0], l.ld, x, dy, l.all(), &sq[0], l.ld, rows, l.maps, l.size, l.k, l.alpha)
	} else {
		l.general(sq, rows, func(r, i int, s float64) {
			g := float64(bf16.Float(*bf16.At(dy, r*l.all()+i))) * math.Pow(s, -l.beta)
			direct[r*l.ld+i], ratio[r*l.ld+l.above+i] = float32(g), float32(g*float64(bf16.Float(*bf16.At(x, r*l.all()+i)))/s)
		})
	}
	factor := float32(2 * float64(l.alpha) * l.beta)
	l.n.set.LRNCombine(dx, x, l.all(), &ratio[0], &direct[0], l.ld, rows, l.maps, l.size, factor)
}

// narrowWithin is normalisation over the pixels of a map, one image at a time. Sums over
// windows add whole pixels, rows first.
type narrowWithin struct {
	n             *narrow
	before, after int
	h, w, maps    int
	k, alpha      float64
	beta          float64
}

func (n *narrow) within(r engine.Response, s engine.Shape) *narrowWithin {
	return &narrowWithin{n, r.Size / 2, (r.Size - 1) / 2, s[2], s[3], s[1], r.K, r.AlphaPerTerm(), r.Beta}
}

func (q *narrowWithin) len() int { return q.h * q.w * q.maps }

// sums replaces x by the sums over the window around each pixel, or with mirrored over
// the pixels whose window covers it. Each window is added up separately.
func (q *narrowWithin) sums(scratch, x []float32, mirrored bool) {
	before, after := q.before, q.after
	if mirrored {
		before, after = after, before
	}
	add := q.n.kernels.Add
	row := q.w * q.maps
	for y := range q.h {
		out, in := scratch[y*row:][:row], x[y*row:][:row]
		clear(out)
		for d := -before; d <= after; d++ {
			lo, hi := max(0, -d), min(q.w, q.w-d)
			if lo < hi {
				add(out[lo*q.maps:hi*q.maps], in[(lo+d)*q.maps:(hi+d)*q.maps])
			}
		}
	}
	for y := range q.h {
		out := x[y*row:][:row]
		clear(out)
		for v := max(0, y-before); v <= min(q.h-1, y+after); v++ {
			add(out, scratch[v*row:][:row])
		}
	}
}

// squares is the sums of squares of one image.
func (q *narrowWithin) squares(sq, scratch []float32, x []uint16) {
	q.n.set.Squares(&sq[0], q.len(), &x[0], q.len(), 1, q.len())
	q.sums(scratch, sq, false)
}

func (n *narrow) lowerWithinForward(op engine.LRNForward) lowered {
	q := n.within(op.Response, op.X.Shape)
	size := q.len()
	return lowered{scratch: 2 * size, stages: []stage{{op.X.Shape[0], func(w *worker, image int) {
		sq, scratch := w.scratch[:size], w.scratch[size:][:size]
		x, y := n.words(op.X)[image*size:][:size], n.words(op.Y)[image*size:][:size]
		q.squares(sq, scratch, x)
		if q.beta == 0.75 {
			n.set.LRNForward(&y[0], &x[0], size, &sq[0], size, 1, size, 1, float32(q.k), float32(q.alpha))
			return
		}
		for i, u := range x {
			y[i] = bf16.Round(float32(float64(bf16.Float(u)) * math.Pow(q.k+q.alpha*float64(sq[i]), -q.beta)))
		}
	}}}}
}

func (n *narrow) lowerWithinBackward(op engine.LRNBackward) lowered {
	q := n.within(op.Response, op.X.Shape)
	size := q.len()
	factor := float32(2 * q.alpha * q.beta)
	return lowered{scratch: 3 * size, stages: []stage{{op.X.Shape[0], func(w *worker, image int) {
		sq, ratio, direct := w.scratch[:size], w.scratch[size:][:size], w.scratch[2*size:][:size]
		x, dy, dx := n.words(op.X)[image*size:][:size], n.words(op.DY)[image*size:][:size], n.words(op.DX)[image*size:][:size]
		q.squares(sq, ratio, x)
		if q.beta == 0.75 {
			n.set.LRNTerms(&ratio[0], &direct[0], size, &x[0], &dy[0], size, &sq[0], size, 1, size, 1, float32(q.k), float32(q.alpha))
		} else {
			for i, u := range x {
				s := q.k + q.alpha*float64(sq[i])
				g := float64(bf16.Float(dy[i])) * math.Pow(s, -q.beta)
				ratio[i], direct[i] = float32(g*float64(bf16.Float(u))/s), float32(g)
			}
		}
		q.sums(sq, ratio, true)
		n.set.LRNCombine(&dx[0], &x[0], size, &ratio[0], &direct[0], size, 1, size, 1, factor)
	}}}}
}
