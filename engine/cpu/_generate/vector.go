package main

import (
	"fmt"
	"strings"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Comparison predicates: greater is a > b, false for NaN; notLessEqual is !(a ≤ b), true
// for NaN; ordered is true unless there is a NaN, unordered if there is.
const (
	greater      = 0x1e
	notLessEqual = 0x16
	ordered      = 0x07
	unordered    = 0x03
)

// vector writes the element-wise kernels. n is positive, and with AVX2 a multiple of the
// lanes; AVX-512 masks the remainder.
func vector() {
	addBias("addBias", "x[i] += bias", false)
	addBias("addBiasReLU", "x[i] = max(x[i]+bias, 0), NaN if x[i]+bias is", true)
	elementwise("reluBackward", "dx[i] = dy[i] where y[i] > 0, else 0", "y, dy, dx *float32, n int", func() func(l loop) {
		zero := zeros()
		return func(l loop) {
			y, dy := l.load("y"), l.load("dy")
			l.store(keep(greater, y, zero, dy), "dx")
		}
	})
	elementwise("add", "y[i] += x[i]", "y, x *float32, n int", func() func(l loop) {
		return func(l loop) {
			v := l.load("y")
			VADDPS(l.load("x"), v, v)
			l.store(v, "y")
		}
	})
	elementwise("update", "v[i] = momentum·v[i] − decay·w[i] − rate·grad[i]; w[i] += v[i]",
		"w, v, grad *float32, n int, momentum, decay, rate float32", func() func(l loop) {
			momentum, decay, rate := broadcast("momentum"), broadcast("decay"), broadcast("rate")
			return func(l loop) {
				x, u := l.load("w"), l.load("v")
				VMULPS(u, momentum, u)
				VFNMADD231PS(decay, x, u)
				VFNMADD231PS(l.load("grad"), rate, u)
				l.store(u, "v")
				VADDPS(u, x, x)
				l.store(x, "w")
			}
		})
	notFinite()
	sum()
	if isa == avx512 {
		dots(4)
	} else {
		dots(2)
		pause()
	}
	dots(1)
}

// pause writes the wait of a loop that polls memory.
func pause() {
	TEXT("Pause", NOSPLIT, "func()")
	Doc("Pause leaves the core to its other thread, and the memory alone, for some ten nanoseconds.")
	for range 4 {
		PAUSE()
	}
	RET()
}

func addBias(name, doc string, relu bool) {
	elementwise(name, doc, "x *float32, n int, bias float32", func() func(l loop) {
		bias, zero := broadcast("bias"), zeros()
		return func(l loop) {
			v := l.load("x")
			VADDPS(v, bias, v)
			if relu {
				VMAXPS(v, zero, v) // for zero and NaN the result is the second operand, v
			}
			l.store(v, "x")
		}
	})
}

// loop is one iteration of a loop over vectors.
type loop struct {
	bases map[string]reg.Register
	at    reg.Register      // offset from each base in bytes
	mask  reg.OpmaskVirtual // lanes of a partial iteration; otherwise nil
}

func (l loop) address(name string) Mem {
	m := Mem{Base: l.bases[name]}
	if l.at != nil {
		m.Index, m.Scale = l.at, 1
	}
	return m
}

// load reads a vector of an argument; masked lanes are 0.
func (l loop) load(name string) reg.VecVirtual {
	v := V()
	if l.mask != nil {
		VMOVUPS_Z(l.address(name), l.mask, v)
	} else {
		VMOVUPS(l.address(name), v)
	}
	return v
}

func (l loop) store(v reg.VecVirtual, name string) {
	if l.mask != nil {
		VMOVUPS(v, l.mask, l.address(name))
	} else {
		VMOVUPS(v, l.address(name))
	}
}

// keep returns z where the predicate holds for a and b, else 0.
func keep(predicate uint8, a, b, z reg.VecVirtual) reg.VecVirtual {
	out := V()
	if isa == avx512 {
		k := K()
		VCMPPS(U8(predicate), b, a, k)
		VMOVUPS_Z(z, k, out)
		return out
	}
	VCMPPS(U8(predicate), b, a, out)
	VANDPS(z, out, out)
	return out
}

// elementwise writes a loop over n elements of the pointer arguments. begin writes the
// code before the loop and returns a function that writes one iteration.
func elementwise(name, doc, params string, begin func() func(l loop)) {
	name += isa.suffix
	TEXT(name, NOSPLIT, "func("+params+")")
	Doc(name+" is "+doc+".", countDoc())
	Pragma("noescape")
	var l loop
	l.bases, _ = arguments(params)
	n := Load(Param("n"), GP64())
	turn := begin()
	l.over(n, turn)
	VZEROUPPER()
	RET()
}

// arguments loads the pointers (the first parameters), and names the numbers (the last
// ones).
func arguments(params string) (pointers map[string]reg.Register, numbers []string) {
	pointers = map[string]reg.Register{}
	first, rest, _ := strings.Cut(params, "*float32, n int")
	names := func(list string) []string {
		return strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' })
	}
	for _, p := range names(first) {
		pointers[p] = Load(Param(p), GP64())
	}
	return pointers, names(strings.TrimSuffix(rest, "float32"))
}

// countDoc describes the lengths that a loop accepts.
func countDoc() string {
	if isa == avx512 {
		return "n is positive."
	}
	return fmt.Sprintf("n is a positive multiple of %d.", isa.lanes)
}

// over writes the loop over n elements, n being positive.
func (l loop) over(n reg.Register, turn func(l loop)) {
	l.at = GP64()
	XORQ(l.at, l.at)
	if isa != avx512 {
		SHLQ(U8(2), n)
		Label("loop")
		turn(l)
		ADDQ(imm(width()), l.at)
		CMPQ(l.at, n)
		JLT(LabelRef("loop"))
		return
	}
	SUBQ(imm(isa.lanes), n)
	JL(LabelRef("rest"))
	Label("loop")
	turn(l)
	ADDQ(imm(width()), l.at)
	SUBQ(imm(isa.lanes), n)
	JGE(LabelRef("loop"))
	Label("rest")
	ADDQ(imm(isa.lanes), n)
	JZ(LabelRef("end"))
	l.mask = firstLanes(n)
	turn(l)
	Label("end")
}

// notFinite writes the search for infinities and NaN.
func notFinite() {
	name := "notFinite" + isa.suffix
	TEXT(name, NOSPLIT, "func(x *float32, n int) int")
	Doc(name+" is 0 when every x[i] is finite: x − x is NaN for one that isn't.", countDoc())
	Pragma("noescape")
	l := loop{bases: map[string]reg.Register{"x": Load(Param("x"), GP64())}}
	n := Load(Param("n"), GP64())
	bad := zeros()
	l.over(n, func(l loop) {
		v := l.load("x")
		VSUBPS(v, v, v)
		VORPS(v, bad, bad)
	})
	found := GP32()
	if isa == avx512 {
		k := K()
		VCMPPS(U8(unordered), bad, bad, k)
		KMOVW(k, found)
	} else {
		VCMPPS(U8(unordered), zeros(), bad, bad)
		VMOVMSKPS(bad, found)
	}
	Store(found.As64(), ReturnIndex(0))
	VZEROUPPER()
	RET()
}

// sum writes the sum of a vector in four interleaved vectors of sums.
func sum() {
	name, group := "sum"+isa.suffix, 4*isa.lanes
	TEXT(name, NOSPLIT, "func(x *float32, n int) float32")
	Doc(fmt.Sprintf("%s is Σ x[i]; n is a positive multiple of %d.", name, group))
	Pragma("noescape")
	x := Load(Param("x"), GP64())
	n := Load(Param("n"), GP64())
	s := [4]reg.VecVirtual{zeros(), zeros(), zeros(), zeros()}
	Label("loop")
	for i, v := range s {
		VADDPS(Mem{Base: x}.Offset(width()*i), v, v)
	}
	ADDQ(imm(4*group), x)
	SUBQ(imm(group), n)
	JNZ(LabelRef("loop"))
	VADDPS(s[1], s[0], s[0])
	VADDPS(s[3], s[2], s[2])
	VADDPS(s[2], s[0], s[0])
	half := XMM()
	VEXTRACTF128(U8(1), fold(s[0]), half)
	VADDPS(half, s[0].AsX(), half)
	VHADDPS(half, half, half)
	VHADDPS(half, half, half)
	Store(half, ReturnIndex(0))
	VZEROUPPER()
	RET()
}

// fold adds the upper half of a register of sixteen floats to the lower half.
func fold(v reg.VecVirtual) reg.Register {
	if isa == avx512 {
		upper := YMM()
		VEXTRACTF64X4(U8(1), v, upper)
		VADDPS(upper, v.AsY(), v.AsY())
	}
	return v.AsY()
}

// dots writes the dot products of four rows of weights with several vectors, so that
// loaded values are used more than once. With one vector, each sum is kept in two parts.
func dots(images int) {
	const rows = 4
	name := fmt.Sprintf("dots%d%s", images, isa.suffix)
	turns := 1
	if images == 1 {
		turns = 2
	}
	TEXT(name, NOSPLIT, "func(y *float32, ldy int, x *float32, ldx int, w *float32, ldw, n int)")
	Doc(fmt.Sprintf("%s is Dots of %d vectors; n is a positive multiple of %d.", name, images, turns*isa.lanes))
	Pragma("noescape")
	y := Load(Param("y"), GP64())
	ldy := Load(Param("ldy"), GP64())
	SHLQ(U8(2), ldy)
	var advance []reg.Register
	// spread returns the operands that are ld apart, from an argument on.
	spread := func(name, ld string, n int) []Mem {
		base, distance, thrice := Load(Param(name), GP64()), Load(Param(ld), GP64()), GP64()
		SHLQ(U8(2), distance)
		LEAQ(Mem{Base: distance, Index: distance, Scale: 2}, thrice)
		advance = append(advance, base)
		return []Mem{{Base: base}, {Base: base, Index: distance, Scale: 1}, {Base: base, Index: distance, Scale: 2}, {Base: base, Index: thrice, Scale: 1}}[:n]
	}
	xs, ws := spread("x", "ldx", images), spread("w", "ldw", rows)
	n := Load(Param("n"), GP64())
	s := make([][]reg.VecVirtual, turns*images)
	for i := range s {
		for range rows {
			s[i] = append(s[i], zeros())
		}
	}
	Label("loop")
	for turn := range turns {
		w := make([]reg.VecVirtual, rows)
		for r := range w {
			w[r] = V()
			VMOVUPS(ws[r].Offset(width()*turn), w[r])
		}
		for i, x := range xs {
			v := V()
			VMOVUPS(x.Offset(width()*turn), v)
			for r := range w {
				VFMADD231PS(v, w[r], s[turn*images+i][r])
			}
		}
	}
	for _, base := range advance {
		ADDQ(imm(turns*width()), base)
	}
	SUBQ(imm(turns*isa.lanes), n)
	JNZ(LabelRef("loop"))
	for i := range images {
		for r := range rows {
			if turns == 2 {
				VADDPS(s[1][r], s[0][r], s[0][r])
			}
		}
		storeSums(s[i], Mem{Base: y})
		if i < images-1 {
			ADDQ(ldy, y)
		}
	}
	VZEROUPPER()
	RET()
}

// storeSums adds up the floats of each of four vectors, and stores the sums.
func storeSums(s []reg.VecVirtual, to Mem) {
	var sums []reg.Register
	for _, v := range s {
		sums = append(sums, fold(v))
	}
	half := XMM()
	if isa == avx512 {
		// VHADDPS can use only the lower sixteen registers.
		pairs := func(a, b reg.Register) reg.Register {
			low, high := YMM(), YMM()
			VUNPCKLPS(b, a, low)
			VUNPCKHPS(b, a, high)
			VADDPS(high, low, low)
			return low
		}
		a, b := pairs(sums[0], sums[1]), pairs(sums[2], sums[3])
		low, high := YMM(), YMM()
		VUNPCKLPD(b, a, low)
		VUNPCKHPD(b, a, high)
		VADDPS(high, low, low)
		VEXTRACTF32X4(U8(1), low, half)
		VADDPS(half, low.AsX(), half)
	} else {
		VHADDPS(sums[1], sums[0], sums[0])
		VHADDPS(sums[3], sums[2], sums[2])
		VHADDPS(sums[2], sums[0], sums[0]) // rows 0 to 3, once in each half
		VEXTRACTF128(U8(1), sums[0], half)
		VADDPS(half, s[0].AsX(), half)
	}
	VMOVUPS(half, to)
}
