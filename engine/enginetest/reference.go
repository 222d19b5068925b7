package enginetest

import (
	"fmt"
	"math"

	"alexnet/engine"
)

// Memory holds the contents of tensors, in C order, whatever their type.
type Memory map[*engine.Tensor][]float64

// A Sum is an output element of the reference: its value, and the numbers that bound
// the error of another evaluation.
type Sum struct {
	Value float64
	Abs   float64 // Σ|terms|
	terms int
	each  int // roundings within a term, the most of any
	// narrow is the number of factors of a term that a context may first round to a
	// narrower format.
	narrow int
}

// add adds a term that took the given number of roundings to compute.
func (s *Sum) add(term float64, roundings int) {
	s.Value += term
	s.Abs += math.Abs(term)
	s.terms++
	s.each = max(s.each, roundings)
}

// mul adds a product of two stored numbers.
func (s *Sum) mul(a, b float64) {
	s.add(a*b, 1)
	s.narrow = 2
}

// Roundings returns the number of roundings on the longest way to the value.
func (s Sum) Roundings() int { return max(s.terms-1, 0) + s.each }

// exact returns a value that takes no rounding: a copy, a zero, a count.
func exact(v float64) Sum { return Sum{Value: v, Abs: math.Abs(v), terms: 1} }

// rounded returns a value that takes a few roundings, each relative to abs.
func rounded(v, abs float64, roundings int) Sum {
	return Sum{Value: v, Abs: abs, terms: 1, each: roundings}
}

// grid reads a tensor's contents by coordinates.
type grid struct {
	engine.Shape
	v []float64
}

// at is the element; outside the rows and columns lies the zero padding.
func (g grid) at(n, c, y, x int) float64 {
	if !g.inside(y, x) {
		return 0
	}
	return g.v[index(g.Shape, n, c, y, x)]
}

func (g grid) inside(y, x int) bool { return 0 <= y && y < g.Shape[2] && 0 <= x && x < g.Shape[3] }

// sums is an output under construction; it starts as zeros.
type sums struct {
	engine.Shape
	v []Sum
}

func newSums(s engine.Shape) sums { return sums{s, make([]Sum, s.Len())} }

// at is the element, or nil where a window reaches into the padding.
func (g sums) at(n, c, y, x int) *Sum {
	if y < 0 || y >= g.Shape[2] || x < 0 || x >= g.Shape[3] {
		return nil
	}
	return &g.v[index(g.Shape, n, c, y, x)]
}

func index(s engine.Shape, n, c, y, x int) int { return ((n*s[1]+c)*s[2]+y)*s[3] + x }

// each calls f for every coordinate of the shape, in C order.
func each(s engine.Shape, f func(n, c, y, x int)) {
	for n := range s[0] {
		for c := range s[1] {
			for y := range s[2] {
				for x := range s[3] {
					f(n, c, y, x)
				}
			}
		}
	}
}

// Evaluate computes the outputs of op in float64, directly from the op's comment. m
// holds the inputs and does not change, so an op may write a tensor that it reads.
func Evaluate(op engine.Op, m Memory, step engine.Step) map[*engine.Tensor][]Sum {
	r := run{m: m, out: map[*engine.Tensor][]Sum{}}
	switch op := op.(type) {
	case engine.Input:
		r.input(op)
	case engine.ConvForward:
		r.convForward(op)
	case engine.ConvBackward:
		r.convBackward(op)
	case engine.DenseForward:
		r.denseForward(op)
	case engine.DenseBackward:
		r.denseBackward(op)
	case engine.Activate:
		r.activate(op)
	case engine.ActivateBackward:
		r.activateBackward(op)
	case engine.LRNForward:
		r.lrnForward(op)
	case engine.LRNBackward:
		r.lrnBackward(op)
	case engine.MaxPoolForward:
		r.maxPoolForward(op)
	case engine.MaxPoolBackward:
		r.maxPoolBackward(op)
	case engine.AvgPoolForward:
		r.avgPoolForward(op)
	case engine.AvgPoolBackward:
		r.avgPoolBackward(op)
	case engine.LocalForward:
		r.localForward(op)
	case engine.LocalBackward:
		r.localBackward(op)
	case engine.Dropout:
		r.dropout(op, step)
	case engine.SoftmaxLoss:
		r.softmaxLoss(op)
	case engine.Accumulate:
		r.accumulate(op)
	case engine.Update:
		r.update(op, step)
	case engine.Concat:
		r.concat(op)
	case engine.SumSlices:
		r.sumSlices(op)
	case engine.Signal, engine.Await:
	default:
		panic(fmt.Sprintf("enginetest: no reference for %T", op))
	}
	return r.out
}

// run is one evaluation: what is read and what has been written.
type run struct {
	m   Memory
	out map[*engine.Tensor][]Sum
}

func (r run) read(t *engine.Tensor) grid {
	v, ok := r.m[t]
	if !ok || len(v) != t.Shape.Len() {
		panic(fmt.Sprintf("enginetest: %v holds %d values", t, len(v)))
	}
	return grid{t.Shape, v}
}

func (r run) write(t *engine.Tensor) sums {
	s := newSums(t.Shape)
	r.out[t] = s.v
	return s
}
