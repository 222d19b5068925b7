package main

import (
	"fmt"
	"math"
	"slices"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// filter is a Winograd filter F(2×2, size×size), whose matrices stand in
// internal/kernel/winograd.go too.
type filter struct {
	bt, g, at [][]float64
}

func (f *filter) side() int { return len(f.g) }
func (f *filter) size() int { return len(f.g[0]) }

// winograd writes the transforms: of the weights, a column of a panel at a time,
// and on both sides of the products, a vector of tiles of a row at a time.
func winograd() {
	for _, f := range filters() {
		f.weights()
		f.input()
		f.output()
		f.gradient()
		f.weightGradient()
	}
}

// filters are those of 3×3 and of 5×5 weights.
func filters() []*filter {
	return []*filter{{
		bt: [][]float64{{1, 0, -1, 0}, {0, 1, 1, 0}, {0, -1, 1, 0}, {0, 1, 0, -1}},
		g:  [][]float64{{1, 0, 0}, {.5, .5, .5}, {.5, -.5, .5}, {0, 0, 1}},
		at: [][]float64{{1, 1, 1, 0}, {0, 1, -1, -1}},
	}, {
		bt: [][]float64{{1, -1.5, -2, 1.5, 1, 0}, {0, -1, .5, 2.5, 1, 0}, {0, 1, -2.5, .5, 1, 0},
			{0, -2, -1, 2, 1, 0}, {0, .5, -1, -.5, 1, 0}, {0, 1, -1.5, -2, 1.5, 1}},
		g: [][]float64{{1, 0, 0, 0, 0}, {1. / 3, 1. / 3, 1. / 3, 1. / 3, 1. / 3}, {-1. / 3, 1. / 3, -1. / 3, 1. / 3, -1. / 3},
			{-16. / 15, -8. / 15, -4. / 15, -2. / 15, -1. / 15}, {1. / 15, -2. / 15, 4. / 15, -8. / 15, 16. / 15}, {0, 0, 0, 0, 1}},
		at: [][]float64{{1, 1, 1, 1, 1, 0}, {0, 1, -1, .5, -2, 1}},
	}}
}

// factors are the coefficients of a matrix other than 0, 1 and −1, in registers,
// by their absolute value.
type factors map[float64]reg.VecVirtual

var constants = map[float64]Mem{} // by value, in the file

func factorsOf(m [][]float64) factors {
	f := factors{}
	for _, c := range slices.Concat(m...) {
		c = math.Abs(c)
		if _, ok := f[c]; ok || c == 0 || c == 1 {
			continue
		}
		if _, ok := constants[c]; !ok {
			constants[c] = ConstData(fmt.Sprintf("winograd%d", len(constants)), U32(math.Float32bits(float32(c))))
		}
		f[c] = V()
		VBROADCASTSS(constants[c], f[c])
	}
	return f
}

// combination is a sum of terms under way, rounded after every product and every
// addition; its negative if negative. That changes no rounding.
type combination struct {
	y        reg.VecVirtual // nil before the first term
	negative bool
}

// add adds coefficient·x, x in memory or in a register.
func (s *combination) add(f factors, coefficient float64, x Op) {
	if coefficient == 0 {
		return
	}
	term, negative := x, coefficient < 0
	if c := math.Abs(coefficient); c != 1 {
		product := V()
		VMULPS(x, f[c], product)
		if s.y == nil {
			s.y, s.negative = product, negative
			return
		}
		term = product
	}
	switch {
	case s.y == nil:
		s.y, s.negative = V(), negative
		VMOVUPS(term, s.y)
	case s.negative == negative:
		VADDPS(term, s.y, s.y)
	case negative:
		VSUBPS(term, s.y, s.y)
	default: // term − y
		t := V()
		VMOVUPS(term, t)
		VSUBPS(s.y, t, s.y)
		s.negative = false
	}
}

// value is the sum; sign has the sign bits set.
func (s *combination) value(sign reg.VecVirtual) reg.VecVirtual {
	if s.negative {
		VXORPS(sign, s.y, s.y)
		s.negative = false
	}
	return s.y
}

func signBits() reg.VecVirtual {
	sign := ones()
	VPSLLD(U8(31), sign, sign)
	return sign
}

func text(f *filter, name, signature string, doc ...string) {
	name = fmt.Sprintf("winograd%s%d%s", name, f.size(), isa.suffix)
	TEXT(name, NOSPLIT, signature)
	doc[0] = name + " " + doc[0]
	Doc(doc...)
	Pragma("noescape")
}

// tileRows loads the arguments of the transforms of pixels, the strides in bytes.
func tileRows(f *filter) (v, plane, planes, x, pitch, phase, rows, tiles reg.GPVirtual) {
	load := func(name string) reg.GPVirtual { return Load(Param(name), GP64()).(reg.GPVirtual) }
	v, plane, x, pitch, phase, rows, tiles = load("v"), load("plane"), load("x"), load("pitch"), load("phase"), load("rows"), load("tiles")
	for _, stride := range []reg.GPVirtual{plane, pitch, phase, tiles} {
		SHLQ(U8(2), stride)
	}
	planes = GP64()
	IMUL3Q(U8(f.side()), plane, planes)
	return
}

// input is V = Bᵀ·d·B, whose entry (r, c) combines two columns and rows of d: first
// the columns, as they are loaded, then the rows.
func (f *filter) input() {
	text(f, "Input", "func(v *float32, plane int, x *float32, pitch, phase, rows, tiles int)",
		fmt.Sprintf("transforms rows × tiles tiles of %d×%d pixels, 2 apart, from rows", f.side(), f.side()),
		"of x that lie pitch apart and hold their even pixels first, the odd ones phase",
		"floats further: entry e of tile t goes to v[e·plane + t].")
	v, plane, planes, x, pitch, phase, rows, tiles := tileRows(f)
	factors := factorsOf(f.bt)
	Label("row")
	at := GP64()
	XORQ(at, at)
	Label("tiles")
	to := GP64()
	LEAQ(Mem{Base: v, Index: at, Scale: 1}, to)
	for c := range f.side() {
		e := make([]combination, f.side())
		even, odd := GP64(), GP64()
		LEAQ(Mem{Base: x, Index: at, Scale: 1}, even)
		LEAQ(Mem{Base: even, Index: phase, Scale: 1}, odd)
		for r := range e {
			for k, coefficient := range f.bt[c] {
				e[r].add(factors, coefficient, Mem{Base: []reg.GPVirtual{even, odd}[k%2]}.Offset(k/2*4))
			}
			if r < len(e)-1 {
				ADDQ(pitch, even)
				ADDQ(pitch, odd)
			}
		}
		out := GP64()
		MOVQ(to, out)
		for r := range e {
			var y combination
			for k, coefficient := range f.bt[r] {
				y.add(factors, coefficient, e[k].y)
			}
			VMOVUPS(y.y, Mem{Base: out})
			if r < len(e)-1 {
				ADDQ(planes, out)
			}
		}
		if c < f.side()-1 {
			ADDQ(plane, to)
		}
	}
	ADDQ(imm(width()), at)
	CMPQ(at, tiles)
	JLT(LabelRef("tiles"))
	LEAQ(Mem{Base: x, Index: pitch, Scale: 2}, x)
	ADDQ(tiles, v)
	DECQ(rows)
	JNZ(LabelRef("row"))
	VZEROUPPER()
	RET()
}

// output is Y = Aᵀ·M·A.
func (f *filter) output() {
	text(f, "Output", "func(y *float32, ld int, m *float32, plane, rows, tiles int)",
		fmt.Sprintf("turns the %d entries of rows × tiles tiles, entry e of tile t at", f.side()*f.side()),
		"m[e·plane + t], into 2×2 pixels each. Rows of y lie ld apart; it writes groups of",
		fmt.Sprintf("%d pixels, of which those beyond a row are overwritten by the next one's.", 2*isa.lanes))
	y := Load(Param("y"), GP64())
	ld := Load(Param("ld"), GP64())
	m := Load(Param("m"), GP64())
	plane := Load(Param("plane"), GP64())
	rows := Load(Param("rows"), GP64())
	tiles := Load(Param("tiles"), GP64())
	SHLQ(U8(2), ld)
	SHLQ(U8(2), plane)
	SHLQ(U8(2), tiles)
	planes := GP64()
	IMUL3Q(U8(f.side()), plane, planes)
	factors, sign := factorsOf(f.at), signBits()
	interleave := interleaver(f.size())
	Comment("A row's groups of tiles are taken from the right to the left.")
	last := GP64()
	LEAQ(Mem{Base: tiles}.Offset(-4), last)
	ANDQ(I8(-width()), last)
	Label("row")
	at := GP64()
	MOVQ(last, at)
	Label("tiles")
	from := GP64()
	LEAQ(Mem{Base: m, Index: at, Scale: 1}, from)
	var pixels [2][2]combination // of row and column
	for c := range f.side() {
		column := GP64()
		MOVQ(from, column)
		var half [2]combination // of Aᵀ·M
		for r := range f.side() {
			entry := V()
			VMOVUPS(Mem{Base: column}, entry)
			for i := range half {
				half[i].add(factors, f.at[i][r], entry)
			}
			if r < f.side()-1 {
				ADDQ(planes, column)
			}
		}
		for i := range pixels {
			value := half[i].value(sign)
			for j := range pixels[i] {
				pixels[i][j].add(factors, f.at[j][c], value)
			}
		}
		if c < f.side()-1 {
			ADDQ(plane, from)
		}
	}
	to := GP64()
	LEAQ(Mem{Base: y, Index: at, Scale: 2}, to)
	for r := range pixels {
		first, second := interleave(pixels[r][0].value(sign), pixels[r][1].value(sign))
		VMOVUPS(first, Mem{Base: to})
		VMOVUPS(second, Mem{Base: to}.Offset(width()))
		if r == 0 {
			ADDQ(ld, to)
		}
	}
	SUBQ(imm(width()), at)
	JGE(LabelRef("tiles"))
	LEAQ(Mem{Base: y, Index: ld, Scale: 2}, y)
	ADDQ(tiles, m)
	DECQ(rows)
	JNZ(LabelRef("row"))
	VZEROUPPER()
	RET()
}

// interleaver writes what comes before a loop and returns what takes turns between
// the lanes of two registers.
func interleaver(size int) func(left, right reg.VecVirtual) (first, second reg.VecVirtual) {
	if isa == avx512 {
		index := func(name string, first int) reg.VecVirtual {
			x := ZMM()
			VMOVDQU32(lanesData(name, func(lane int) int { return first + lane/2 + lane%2*16 }), x)
			return x
		}
		low, high := index(fmt.Sprint("interleaveLow", size), 0), index(fmt.Sprint("interleaveHigh", size), 8)
		return func(left, right reg.VecVirtual) (first, second reg.VecVirtual) {
			first, second = ZMM(), left
			VMOVAPS(left, first)
			VPERMT2PS(right, low, first)
			VPERMT2PS(right, high, second)
			return first, second
		}
	}
	return func(left, right reg.VecVirtual) (first, second reg.VecVirtual) {
		lo, hi := YMM(), YMM()
		first, second = YMM(), YMM()
		VUNPCKLPS(right, left, lo)
		VUNPCKHPS(right, left, hi)
		VPERM2F128(U8(0x20), hi, lo, first)
		VPERM2F128(U8(0x31), hi, lo, second)
		return first, second
	}
}

// weights is U = G·g·Gᵀ for the rows of one panel: three quarters of a vector.
func (f *filter) weights() {
	rows := isa.lanes * 3 / 4
	column := 4 * rows // bytes
	size := f.size()
	text(f, "Weights", "func(u *float32, plane int, weights *float32, n int)",
		fmt.Sprintf("transforms the weights of n maps, %d columns of %d values each:", size*size, rows),
		fmt.Sprintf("entry e of map i goes to the %d values from u[e·plane + %[1]di] on. It reads %d values beyond.", rows, isa.lanes-rows))
	u := Load(Param("u"), GP64())
	plane := Load(Param("plane"), GP64())
	g := Load(Param("weights"), GP64())
	n := Load(Param("n"), GP64())
	SHLQ(U8(2), plane)
	factors, sign := factorsOf(f.g), signBits()
	store := func(v reg.VecVirtual, to Mem) {
		high := XMM()
		VMOVUPS(v.AsX(), to)
		VEXTRACTF128(U8(1), v.AsY(), high)
		VMOVLPS(high, to.Offset(16))
	}
	if isa == avx512 {
		count := GP64()
		MOVQ(U32(rows), count)
		mask := firstLanes(count)
		store = func(v reg.VecVirtual, to Mem) { VMOVUPS(v, mask, to) }
	}
	Label("map")
	to := GP64()
	MOVQ(u, to)
	for r := range f.side() {
		t := make([]combination, size)
		for x := range t {
			for y, coefficient := range f.g[r] {
				t[x].add(factors, coefficient, Mem{Base: g}.Offset((size*y+x)*column))
			}
			t[x].value(sign)
		}
		for c := range f.side() {
			var s combination
			for x, coefficient := range f.g[c] {
				s.add(factors, coefficient, t[x].y)
			}
			store(s.value(sign), Mem{Base: to})
			if r+c < 2*f.side()-2 {
				ADDQ(plane, to)
			}
		}
	}
	ADDQ(imm(column), u)
	ADDQ(U32(size*size*column), g)
	DECQ(n)
	JNZ(LabelRef("map"))
	VZEROUPPER()
	RET()
}

// gradient is V = A·d·Aᵀ.
func (f *filter) gradient() {
	text(f, "Gradient", "func(v *float32, plane int, x *float32, pitch, phase, rows, tiles int)",
		"spreads rows × tiles tiles of 2×2 pixels of x, which is laid out as for",
		fmt.Sprintf("winogradInput%d%s, to %d entries.", f.size(), isa.suffix, f.side()*f.side()))
	v, plane, _, x, pitch, phase, rows, tiles := tileRows(f)
	factors, sign := factorsOf(f.at), signBits()
	Label("row")
	at := GP64()
	XORQ(at, at)
	Label("tiles")
	upper, lower, to := GP64(), GP64(), GP64()
	LEAQ(Mem{Base: x, Index: at, Scale: 1}, upper)
	LEAQ(Mem{Base: upper, Index: pitch, Scale: 1}, lower)
	LEAQ(Mem{Base: v, Index: at, Scale: 1}, to)
	d := [2][2]reg.VecVirtual{{V(), V()}, {V(), V()}}
	for r, row := range []reg.GPVirtual{upper, lower} {
		VMOVUPS(Mem{Base: row}, d[r][0])
		VMOVUPS(Mem{Base: row, Index: phase, Scale: 1}, d[r][1])
	}
	spread := func(a, b reg.VecVirtual, e int) reg.VecVirtual {
		var s combination
		s.add(factors, f.at[0][e], a)
		s.add(factors, f.at[1][e], b)
		return s.value(sign)
	}
	for r := range f.side() {
		even, odd := spread(d[0][0], d[1][0], r), spread(d[0][1], d[1][1], r)
		for c := range f.side() {
			VMOVUPS(spread(even, odd, c), Mem{Base: to})
			if r+c < 2*f.side()-2 {
				ADDQ(plane, to)
			}
		}
	}
	ADDQ(imm(width()), at)
	CMPQ(at, tiles)
	JLT(LabelRef("tiles"))
	LEAQ(Mem{Base: x, Index: pitch, Scale: 2}, x)
	ADDQ(tiles, v)
	DECQ(rows)
	JNZ(LabelRef("row"))
	VZEROUPPER()
	RET()
}

// weightGradient is Gᵀ·u·G, a row of it at a time.
func (f *filter) weightGradient() {
	size := f.size()
	text(f, "WeightGradient", "func(weights, u *float32, plane, n int)",
		fmt.Sprintf("turns the gradients of the %d entries of n maps, entry e of map i at", f.side()*f.side()),
		fmt.Sprintf("u[e·plane + i], into those of their %d weights, %d maps at a time: weight k goes", size*size, isa.lanes),
		"to weights[k·plane + i].")
	g := Load(Param("weights"), GP64())
	u := Load(Param("u"), GP64())
	plane := Load(Param("plane"), GP64())
	n := Load(Param("n"), GP64())
	SHLQ(U8(2), plane)
	planes := GP64()
	IMUL3Q(U8(f.side()), plane, planes)
	factors, sign := factorsOf(f.g), signBits()
	Label("maps")
	to := GP64()
	MOVQ(g, to)
	for r := range size {
		t := make([]combination, f.side())
		column := GP64()
		MOVQ(u, column)
		for c := range t {
			entry := GP64()
			MOVQ(column, entry)
			for k := range f.side() {
				t[c].add(factors, f.g[k][r], Mem{Base: entry})
				if k < f.side()-1 {
					ADDQ(planes, entry)
				}
			}
			t[c].value(sign)
			if c < f.side()-1 {
				ADDQ(plane, column)
			}
		}
		for c := range size {
			var s combination
			for k := range t {
				s.add(factors, f.g[k][c], t[k].y)
			}
			VMOVUPS(s.value(sign), Mem{Base: to})
			if r+c < 2*size-2 {
				ADDQ(plane, to)
			}
		}
	}
	ADDQ(imm(width()), g)
	ADDQ(imm(width()), u)
	SUBQ(imm(isa.lanes), n)
	JG(LabelRef("maps"))
	VZEROUPPER()
	RET()
}
