package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// lrn writes local response normalisation over maps for β = ¾, where the power
// comes from square roots: s^¾ = √s·√√s.
func lrn() {
	lrnForward()
	lrnTerms()
	lrnCombine()
}

// lrnForward is one map's strip of pixels.
func lrnForward() {
	TEXT("lrnForwardAVX2", NOSPLIT, "func(window *float32, rows, stride int, x, y *float32, n int, k, alpha float32)")
	Doc("lrnForwardAVX2 is y = x/s^¾ with s = k + alpha·Σ window², the sum over rows that",
		"lie stride apart. n is a positive multiple of 8.")
	Pragma("noescape")
	w := newWindow()
	x := Load(Param("x"), GP64())
	y := Load(Param("y"), GP64())
	n := Load(Param("n"), GP64())
	SHLQ(U8(2), n)
	at := GP64()
	XORQ(at, at)
	Label("pixels")
	s := w.scale(at)
	p := threeQuarters(s)
	v := YMM()
	VMOVUPS(Mem{Base: x, Index: at, Scale: 1}, v)
	VDIVPS(p, v, v)
	VMOVUPS(v, Mem{Base: y, Index: at, Scale: 1})
	ADDQ(I8(32), at)
	CMPQ(at, n)
	JLT(LabelRef("pixels"))
	VZEROUPPER()
	RET()
}

// lrnTerms is the part of the backward pass that looks at one map.
func lrnTerms() {
	TEXT("lrnTermsAVX2", NOSPLIT, "func(window *float32, rows, stride int, x, dy, ratio, direct *float32, n int, k, alpha float32)")
	Doc("lrnTermsAVX2 is direct = dy/s^¾ and ratio = direct·x/s, with s as in lrnForwardAVX2.")
	Pragma("noescape")
	w := newWindow()
	x := Load(Param("x"), GP64())
	dy := Load(Param("dy"), GP64())
	ratio := Load(Param("ratio"), GP64())
	direct := Load(Param("direct"), GP64())
	n := Load(Param("n"), GP64())
	SHLQ(U8(2), n)
	at := GP64()
	XORQ(at, at)
	Label("pixels")
	s := w.scale(at)
	p := threeQuarters(s)
	g, v := YMM(), YMM()
	VMOVUPS(Mem{Base: dy, Index: at, Scale: 1}, g)
	VDIVPS(p, g, g)
	VMULPS(Mem{Base: x, Index: at, Scale: 1}, g, v)
	VDIVPS(s, v, v)
	VMOVUPS(v, Mem{Base: ratio, Index: at, Scale: 1})
	VMOVUPS(g, Mem{Base: direct, Index: at, Scale: 1})
	ADDQ(I8(32), at)
	CMPQ(at, n)
	JLT(LabelRef("pixels"))
	VZEROUPPER()
	RET()
}

// lrnCombine is the part of the backward pass that looks at the neighbours.
func lrnCombine() {
	TEXT("lrnCombineAVX2", NOSPLIT, "func(window *float32, rows, stride int, direct, x, dx *float32, n int, factor float32)")
	Doc("lrnCombineAVX2 is dx = direct − factor·x·Σ window, the sum over rows that lie",
		"stride apart. n is a positive multiple of 8.")
	Pragma("noescape")
	w := loadRows()
	direct := Load(Param("direct"), GP64())
	x := Load(Param("x"), GP64())
	dx := Load(Param("dx"), GP64())
	n := Load(Param("n"), GP64())
	SHLQ(U8(2), n)
	factor := YMM()
	f, _ := Param("factor").Resolve()
	VBROADCASTSS(f.Addr, factor)
	at := GP64()
	XORQ(at, at)
	Label("pixels")
	sum := YMM()
	VXORPS(sum, sum, sum)
	w.each(at, func(row Mem) { VADDPS(row, sum, sum) })
	VMULPS(Mem{Base: x, Index: at, Scale: 1}, sum, sum)
	out := YMM()
	VMOVUPS(Mem{Base: direct, Index: at, Scale: 1}, out)
	VFNMADD231PS(factor, sum, out)
	VMOVUPS(out, Mem{Base: dx, Index: at, Scale: 1})
	ADDQ(I8(32), at)
	CMPQ(at, n)
	JLT(LabelRef("pixels"))
	VZEROUPPER()
	RET()
}

// window is the rows over which a kernel sums.
type window struct {
	first, rows, stride reg.Register
	k, alpha            reg.VecVirtual
}

func loadRows() *window {
	w := &window{
		first:  Load(Param("window"), GP64()),
		rows:   Load(Param("rows"), GP64()),
		stride: Load(Param("stride"), GP64()),
	}
	SHLQ(U8(2), w.stride)
	return w
}

func newWindow() *window {
	w := loadRows()
	w.k, w.alpha = YMM(), YMM()
	k, _ := Param("k").Resolve()
	alpha, _ := Param("alpha").Resolve()
	VBROADCASTSS(k.Addr, w.k)
	VBROADCASTSS(alpha.Addr, w.alpha)
	return w
}

// each visits eight values of every row, offset bytes from its start.
func (w *window) each(offset reg.Register, visit func(row Mem)) {
	row, left := GP64(), GP64()
	LEAQ(Mem{Base: w.first, Index: offset, Scale: 1}, row)
	MOVQ(w.rows, left)
	Label("rows")
	visit(Mem{Base: row})
	ADDQ(w.stride, row)
	DECQ(left)
	JNZ(LabelRef("rows"))
}

// scale is k + alpha·Σ row².
func (w *window) scale(offset reg.Register) reg.VecVirtual {
	sum, v := YMM(), YMM()
	VXORPS(sum, sum, sum)
	w.each(offset, func(row Mem) {
		VMOVUPS(row, v)
		VFMADD231PS(v, v, sum)
	})
	VFMADD213PS(w.k, w.alpha, sum)
	return sum
}

func threeQuarters(s reg.VecVirtual) reg.VecVirtual {
	half, quarter := YMM(), YMM()
	VSQRTPS(s, half)
	VSQRTPS(half, quarter)
	VMULPS(half, quarter, quarter)
	return quarter
}
