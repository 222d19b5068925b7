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
	each  int // roundings within a term, the largest number
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

// exact returns a value without rounding: a copy, a zero, a count.
func exact(v float64) Sum { return Sum{Value: v, Abs: math.Abs(v), terms: 1} }

// rounded returns a value with a few roundings, each relative to abs.
func rounded(v, abs float64, roundings int) Sum {
	return Sum{Value: v, Abs: abs, terms: 1, each: roundings}
}

// grid reads a tensor's contents by coordinates.
type grid struct {
	engine.Shape
	v []float64
}

// at returns the element, or 0 in the padding.
func (g grid) at(n, c, y, x int) float64 {
	if !g.inside(y, x) {
		return 0
	}
	return g.v[index(g.Shape, n, c, y, x)]
}

func (g grid) inside(y, x int) bool { return 0 <= y && y < g.Shape[2] && 0 <= x && x < g.Shape[3] }

// sums is an output that is being computed; it starts as zeros.
type sums struct {
	engine.Shape
	v []Sum
}

func newSums(s engine.Shape) sums { return sums{s, make([]Sum, s.Len())} }

// at returns the element, or nil in the padding.
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

// ops is the suite's table, a row for each kind of layer or piece of work: the cases of
// its ops, and their references.
var ops = []struct {
	cases     func() []OpCase
	reference []reference
}{
	{inputCases, []reference{by(run.input)}},
	{convCases, []reference{by(run.convForward), by(run.convBackward)}},
	{denseCases, []reference{by(run.denseForward), by(run.denseBackward)}},
	{activateCases, []reference{by(run.activate), by(run.activateBackward)}},
	{lrnCases, []reference{by(run.lrnForward), by(run.lrnBackward)}},
	{poolCases, []reference{by(run.maxPoolForward), by(run.maxPoolBackward)}},
	{avgPoolCases, []reference{by(run.avgPoolForward), by(run.avgPoolBackward)}},
	{localCases, []reference{by(run.localForward), by(run.localBackward)}},
	{dropoutCases, []reference{by(run.dropout)}},
	{softmaxCases, []reference{by(run.softmaxLoss)}},
	{accumulateCases, []reference{by(run.accumulate)}},
	{updateCases, []reference{by(run.update)}},
	{concatCases, []reference{by(run.concat)}},
	{sumSlicesCases, []reference{by(run.sumSlices)}},
}

// A reference computes the outputs of ops of one type, and reports whether op has this
// type.
type reference func(r run, op engine.Op) bool

func by[O engine.Op](evaluate func(run, O)) reference {
	return func(r run, op engine.Op) bool {
		o, ok := op.(O)
		if ok {
			evaluate(r, o)
		}
		return ok
	}
}

// Evaluate computes the outputs of op in float64, directly from the op's comment. m
// holds the inputs and does not change, so an op may write a tensor that it reads.
func Evaluate(op engine.Op, m Memory, step engine.Step) map[*engine.Tensor][]Sum {
	r := run{m: m, step: step, out: map[*engine.Tensor][]Sum{}}
	switch op.(type) {
	case engine.Signal, engine.Await:
		return r.out
	}
	for _, row := range ops {
		for _, computes := range row.reference {
			if computes(r, op) {
				return r.out
			}
		}
	}
	panic(fmt.Sprintf("enginetest: no reference for %T", op))
}

// OpCases lists the cases of all ops.
func OpCases() (all []OpCase) {
	for _, row := range ops {
		all = append(all, row.cases()...)
	}
	return all
}

// run is one evaluation: the tensors' contents, the step, and the results.
type run struct {
	m    Memory
	step engine.Step
	out  map[*engine.Tensor][]Sum
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
