package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// lrn writes local response normalisation over maps for β = ¾, which needs only square
// roots: s^¾ = √s·√√s.
func lrn() {
	lrnKernel("lrnForward", "x, y *float32, n int, k, alpha float32",
		[]string{"is y = x/s^¾ with s = k + alpha·Σ window², the sum over rows that", "lie stride apart."},
		func(w *window, l loop) {
			p := threeQuarters(w.scale(l))
			v := l.load("x")
			VDIVPS(p, v, v)
			l.store(v, "y")
		})
	lrnKernel("lrnTerms", "x, dy, ratio, direct *float32, n int, k, alpha float32",
		[]string{"is direct = dy/s^¾ and ratio = direct·x/s, with s as in lrnForward" + isa.suffix + "."},
		func(w *window, l loop) {
			s := w.scale(l)
			p := threeQuarters(s)
			g, v := l.load("dy"), l.load("x")
			VDIVPS(p, g, g)
			VMULPS(v, g, v)
			VDIVPS(s, v, v)
			l.store(v, "ratio")
			l.store(g, "direct")
		})
	lrnKernel("lrnCombine", "direct, x, dx *float32, n int, factor float32",
		[]string{"is dx = direct − factor·x·Σ window, the sum over rows that lie", "stride apart."},
		func(w *window, l loop) {
			sum := zeros()
			w.each(l, func(row reg.VecVirtual) { VADDPS(row, sum, sum) })
			VMULPS(l.load("x"), sum, sum)
			out := l.load("direct")
			VFNMADD231PS(w.factors["factor"], sum, out)
			l.store(out, "dx")
		})
}

// lrnKernel writes a kernel of one map's strip of pixels.
func lrnKernel(name, params string, doc []string, turn func(w *window, l loop)) {
	name += isa.suffix
	TEXT(name, NOSPLIT, "func(window *float32, rows, stride int, "+params+")")
	doc[0] = name + " " + doc[0]
	Doc(append(doc, countDoc())...)
	Pragma("noescape")
	w := &window{
		first:   Load(Param("window"), GP64()),
		rows:    Load(Param("rows"), GP64()),
		stride:  Load(Param("stride"), GP64()),
		factors: map[string]reg.VecVirtual{},
	}
	SHLQ(U8(2), w.stride)
	pointers, numbers := arguments(params)
	l := loop{bases: pointers}
	n := Load(Param("n"), GP64())
	for _, p := range numbers {
		w.factors[p] = broadcast(p)
	}
	l.over(n, func(l loop) { turn(w, l) })
	VZEROUPPER()
	RET()
}

// window holds the rows that a kernel sums over, and its numbers.
type window struct {
	first, rows, stride reg.Register
	factors             map[string]reg.VecVirtual
	loops               int // written so far
}

// each calls a function for a vector of every row.
func (w *window) each(l loop, visit func(row reg.VecVirtual)) {
	row, left := GP64(), GP64()
	LEAQ(Mem{Base: w.first, Index: l.at, Scale: 1}, row)
	MOVQ(w.rows, left)
	w.loops++
	label := fmt.Sprint("rows", w.loops)
	Label(label)
	visit(loop{bases: map[string]reg.Register{"row": row}, mask: l.mask}.load("row"))
	ADDQ(w.stride, row)
	DECQ(left)
	JNZ(LabelRef(label))
}

// scale computes k + alpha·Σ row².
func (w *window) scale(l loop) reg.VecVirtual {
	sum := zeros()
	w.each(l, func(row reg.VecVirtual) { VFMADD231PS(row, row, sum) })
	VFMADD213PS(w.factors["k"], w.factors["alpha"], sum)
	return sum
}

func threeQuarters(s reg.VecVirtual) reg.VecVirtual {
	half, quarter := V(), V()
	VSQRTPS(s, half)
	VSQRTPS(half, quarter)
	VMULPS(half, quarter, quarter)
	return quarter
}
