package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// greater is the comparison predicate a > b, false for NaN; notLessEqual is
// !(a ≤ b), true for NaN; ordered is true unless there is a NaN, unordered if there is.
const (
	greater      = 0x1e
	notLessEqual = 0x16
	ordered      = 0x07
	unordered    = 0x03
)

// vector writes the element-wise kernels. n is a positive multiple of 8.
func vector() {
	addBias("addBiasAVX2", "x[i] += bias", false)
	addBias("addBiasReLUAVX2", "x[i] = max(x[i]+bias, 0), NaN if x[i]+bias is", true)

	elementwise("reluBackwardAVX2", "dx[i] = dy[i] where y[i] > 0, else 0", "y, dy, dx *float32, n int", func(at func(string) Mem) {
		zero, mask := YMM(), YMM()
		VXORPS(zero, zero, zero)
		VMOVUPS(at("y"), mask)
		VCMPPS(U8(greater), zero, mask, mask)
		VANDPS(at("dy"), mask, mask)
		VMOVUPS(mask, at("dx"))
	})
	elementwise("addAVX2", "y[i] += x[i]", "y, x *float32, n int", func(at func(string) Mem) {
		v := YMM()
		VMOVUPS(at("y"), v)
		VADDPS(at("x"), v, v)
		VMOVUPS(v, at("y"))
	})
	update()
	notFinite()
	sum()
	dots()
}

// elementwise writes a loop over the pointers that body asks for.
func elementwise(name, doc, params string, body func(at func(string) Mem)) {
	TEXT(name, NOSPLIT, "func("+params+")")
	Doc(name + " is " + doc + ".")
	Pragma("noescape")
	n := Load(Param("n"), GP64())
	SHLQ(U8(2), n)
	at := GP64()
	XORQ(at, at)
	bases := map[string]reg.Register{}
	for _, p := range []string{"y", "dy", "dx", "x"} {
		if base, err := Param(p).Resolve(); err == nil {
			bases[p] = GP64()
			MOVQ(base.Addr, bases[p])
		}
	}
	Label("loop")
	body(func(p string) Mem { return Mem{Base: bases[p], Index: at, Scale: 1} })
	ADDQ(I8(32), at)
	CMPQ(at, n)
	JLT(LabelRef("loop"))
	VZEROUPPER()
	RET()
}

func addBias(name, doc string, relu bool) {
	TEXT(name, NOSPLIT, "func(x *float32, n int, bias float32)")
	Doc(name + " is " + doc + ".")
	Pragma("noescape")
	x := Load(Param("x"), GP64())
	n := Load(Param("n"), GP64())
	bias, zero, v := YMM(), YMM(), YMM()
	b, _ := Param("bias").Resolve()
	VBROADCASTSS(b.Addr, bias)
	VXORPS(zero, zero, zero)
	Label("loop")
	VADDPS(Mem{Base: x}, bias, v)
	if relu {
		VMAXPS(v, zero, v) // of zero and NaN, the second operand: v
	}
	VMOVUPS(v, Mem{Base: x})
	ADDQ(I8(32), x)
	SUBQ(I8(8), n)
	JNZ(LabelRef("loop"))
	VZEROUPPER()
	RET()
}

// update writes the solver's rule in one pass over memory.
func update() {
	TEXT("updateAVX2", NOSPLIT, "func(w, v, grad *float32, n int, momentum, decay, rate float32)")
	Doc("updateAVX2 is v[i] = momentum·v[i] − decay·w[i] − rate·grad[i]; w[i] += v[i].")
	Pragma("noescape")
	w := Load(Param("w"), GP64())
	v := Load(Param("v"), GP64())
	g := Load(Param("grad"), GP64())
	n := Load(Param("n"), GP64())
	broadcast := func(name string) reg.VecVirtual {
		r := YMM()
		p, _ := Param(name).Resolve()
		VBROADCASTSS(p.Addr, r)
		return r
	}
	momentum, decay, rate := broadcast("momentum"), broadcast("decay"), broadcast("rate")
	SHLQ(U8(2), n)
	at := GP64()
	XORQ(at, at)
	Label("loop")
	x, u := YMM(), YMM()
	VMOVUPS(Mem{Base: w, Index: at, Scale: 1}, x)
	VMULPS(Mem{Base: v, Index: at, Scale: 1}, momentum, u)
	VFNMADD231PS(decay, x, u)
	VFNMADD231PS(Mem{Base: g, Index: at, Scale: 1}, rate, u)
	VMOVUPS(u, Mem{Base: v, Index: at, Scale: 1})
	VADDPS(u, x, x)
	VMOVUPS(x, Mem{Base: w, Index: at, Scale: 1})
	ADDQ(I8(32), at)
	CMPQ(at, n)
	JLT(LabelRef("loop"))
	VZEROUPPER()
	RET()
}

// notFinite writes the search for infinities and NaN.
func notFinite() {
	TEXT("notFiniteAVX2", NOSPLIT, "func(x *float32, n int) int")
	Doc("notFiniteAVX2 is 0 when every x[i] is finite: x − x is NaN for one that isn't.")
	Pragma("noescape")
	x := Load(Param("x"), GP64())
	n := Load(Param("n"), GP64())
	bad, v := YMM(), YMM()
	VXORPS(bad, bad, bad)
	Label("loop")
	VMOVUPS(Mem{Base: x}, v)
	VSUBPS(v, v, v)
	VORPS(v, bad, bad)
	ADDQ(I8(32), x)
	SUBQ(I8(8), n)
	JNZ(LabelRef("loop"))
	zero := YMM()
	VXORPS(zero, zero, zero)
	VCMPPS(U8(unordered), zero, bad, bad)
	mask := GP32()
	VMOVMSKPS(bad, mask)
	Store(mask.As64(), ReturnIndex(0))
	VZEROUPPER()
	RET()
}

// sum writes the sum of a vector in 32 interleaved sums.
func sum() {
	TEXT("sumAVX2", NOSPLIT, "func(x *float32, n int) float32")
	Doc("sumAVX2 is Σ x[i]; n is a positive multiple of 32.")
	Pragma("noescape")
	x := Load(Param("x"), GP64())
	n := Load(Param("n"), GP64())
	s := [4]reg.VecVirtual{YMM(), YMM(), YMM(), YMM()}
	for _, v := range s {
		VXORPS(v, v, v)
	}
	Label("loop")
	for i, v := range s {
		VADDPS(Mem{Base: x}.Offset(32*i), v, v)
	}
	SUBQ(I8(-128), x)
	SUBQ(I8(32), n)
	JNZ(LabelRef("loop"))
	VADDPS(s[1], s[0], s[0])
	VADDPS(s[3], s[2], s[2])
	VADDPS(s[2], s[0], s[0])
	half := XMM()
	VEXTRACTF128(U8(1), s[0], half)
	VADDPS(half, s[0].AsX(), half)
	VHADDPS(half, half, half)
	VHADDPS(half, half, half)
	Store(half, ReturnIndex(0))
	VZEROUPPER()
	RET()
}

// dots writes four dot products with one vector, in two interleaved sums each.
func dots() {
	TEXT("dotsAVX2", NOSPLIT, "func(y, x, w *float32, ld, n int)")
	Doc("dotsAVX2 is y[r] = Σ x[i]·w[r·ld+i] for r from 0 to 3; n is a positive multiple of 16.")
	Pragma("noescape")
	y := Load(Param("y"), GP64())
	x := Load(Param("x"), GP64())
	w := Load(Param("w"), GP64())
	ld := Load(Param("ld"), GP64())
	n := Load(Param("n"), GP64())
	SHLQ(U8(2), ld)
	rows := [4]reg.Register{w, GP64(), GP64(), GP64()}
	for r := range 3 {
		LEAQ(Mem{Base: rows[r], Index: ld, Scale: 1}, rows[r+1])
	}
	var s [4][2]reg.VecVirtual
	for r := range s {
		for j := range s[r] {
			s[r][j] = YMM()
			VXORPS(s[r][j], s[r][j], s[r][j])
		}
	}
	SHLQ(U8(2), n)
	at := GP64()
	XORQ(at, at)
	Label("loop")
	for j := range 2 {
		v := YMM()
		VMOVUPS(Mem{Base: x, Index: at, Scale: 1}.Offset(32*j), v)
		for r := range s {
			VFMADD231PS(Mem{Base: rows[r], Index: at, Scale: 1}.Offset(32*j), v, s[r][j])
		}
	}
	ADDQ(I8(64), at)
	CMPQ(at, n)
	JLT(LabelRef("loop"))
	for r := range s {
		VADDPS(s[r][1], s[r][0], s[r][0])
	}
	VHADDPS(s[1][0], s[0][0], s[0][0])
	VHADDPS(s[3][0], s[2][0], s[2][0])
	VHADDPS(s[2][0], s[0][0], s[0][0]) // rows 0 to 3, once in each half
	half := XMM()
	VEXTRACTF128(U8(1), s[0][0], half)
	VADDPS(half, s[0][0].AsX(), half)
	VMOVUPS(half, Mem{Base: y})
	VZEROUPPER()
	RET()
}
