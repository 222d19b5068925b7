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
