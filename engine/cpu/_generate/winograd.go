package main

import (
	"fmt"
	"math"
	"slices"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"alexnet/engine/cpu/internal/winograd"
)

// filter has the matrices of a Winograd filter F(Out×Out, Size×Size).
type filter struct{ *winograd.Filter }

// name distinguishes the filter's kernels from others.
func (f *filter) name() string {
	if f.Out() == 2 {
		return fmt.Sprint(f.Size())
	}
	return fmt.Sprintf("%dx%d", f.Out(), f.Size())
}

// transforms writes the transforms of the named filters. Weights are transformed one
// column of a panel at a time, pixels one vector of tiles of a row at a time.
func transforms(names ...string) func() {
	return func() {
		for _, matrices := range winograd.Filters {
			f := &filter{matrices}
			if slices.Contains(names, f.name()) {
				f.weights()
				f.input()
				f.output()
				f.gradient()
				f.weightGradient()
			}
		}
	}
}

// factors maps the absolute values of a matrix's coefficients, other than 0 and 1, to
// registers, or to memory if AVX2 has too few registers.
type factors map[float64]Op

// constants maps values to constants in the file, single ones and vectors.
var constants, vectors = map[float64]Mem{}, map[float64]Mem{}

func factorsOf(m [][]float64) factors {
	f := factors{}
	var values []float64
	for _, c := range slices.Concat(m...) {
		c = math.Abs(c)
		if c != 0 && c != 1 && !slices.Contains(values, c) {
			values = append(values, c)
		}
	}
	for _, c := range values {
		if isa == avx2 && len(values) > 6 {
			if _, ok := vectors[c]; !ok {
				bits := math.Float32bits(float32(c))
				vectors[c] = lanesData(fmt.Sprintf("winogradVector%d", len(vectors)), func(int) int { return int(bits) })
			}
			f[c] = vectors[c]
			continue
		}
		if _, ok := constants[c]; !ok {
			constants[c] = ConstData(fmt.Sprintf("winograd%d", len(constants)), U32(math.Float32bits(float32(c))))
		}
		x := V()
		VBROADCASTSS(constants[c], x)
		f[c] = x
	}
	return f
}

// combination is an unfinished sum of terms, rounded after every product and every
// addition. If negative is set, it holds the negated sum, which has the same rounding.
type combination struct {
	y        reg.VecVirtual // nil before the first term
	negative bool
}

// add adds coefficient·x; x is in memory or in a register.
func (s *combination) add(f factors, coefficient float64, x Op) {
	if coefficient == 0 {
		return
	}
	term, negative := x, coefficient < 0
	if c := math.Abs(coefficient); c != 1 {
		product := V()
		if factor, inMemory := f[c].(Mem); !inMemory {
			VMULPS(x, f[c], product)
		} else if _, both := x.(Mem); both {
			VMOVUPS(x, product)
			VMULPS(factor, product, product)
		} else {
			VMULPS(factor, x, product)
		}
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

// value returns the register of the sum. The sign bits of sign are set.
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
	name = fmt.Sprintf("winograd%s%s%s", name, f.name(), isa.suffix)
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
	IMUL3Q(U8(f.Side()), plane, planes)
	return
}

// input computes V = Bᵀ·d·B. Entry (r, c) combines two columns and two rows of d: first
// the columns, as they are loaded, then the rows.
func (f *filter) input() {
	text(f, "Input", "func(v *float32, plane int, x *float32, pitch, phase, rows, tiles int)",
		fmt.Sprintf("transforms rows × tiles tiles of %d×%d pixels, %d apart, from rows", f.Side(), f.Side(), f.Out()),
		fmt.Sprintf("of x that lie pitch apart and hold their pixels x ≡ 0, 1, … mod %d one after the", f.Out()),
		"other, phase floats apart: entry e of tile t goes to v[e·plane + t].")
	v, plane, planes, x, pitch, phase, rows, tiles := tileRows(f)
	factors := factorsOf(f.BT)
	Label("row")
	at := GP64()
	XORQ(at, at)
	Label("tiles")
	to := GP64()
	LEAQ(Mem{Base: v, Index: at, Scale: 1}, to)
	for c := range f.Side() {
		e := make([]combination, f.Side())
		phases := make([]reg.GPVirtual, f.Out())
		from := Mem{Base: x, Index: at, Scale: 1}
		for i := range phases {
			phases[i] = GP64()
			LEAQ(from, phases[i])
			from = Mem{Base: phases[i], Index: phase, Scale: 1}
		}
		for r := range e {
			for k, coefficient := range f.BT[c] {
				e[r].add(factors, coefficient, Mem{Base: phases[k%f.Out()]}.Offset(k/f.Out()*4))
			}
			if r < len(e)-1 {
				for _, p := range phases {
					ADDQ(pitch, p)
				}
			}
		}
		out := GP64()
		MOVQ(to, out)
		for r := range e {
			var y combination
			for k, coefficient := range f.BT[r] {
				y.add(factors, coefficient, e[k].y)
			}
			VMOVUPS(y.y, Mem{Base: out})
			if r < len(e)-1 {
				ADDQ(planes, out)
			}
		}
		if c < f.Side()-1 {
			ADDQ(plane, to)
		}
	}
	ADDQ(imm(width()), at)
	CMPQ(at, tiles)
	JLT(LabelRef("tiles"))
	LEAQ(Mem{Base: x, Index: pitch, Scale: uint8(f.Out())}, x)
	ADDQ(tiles, v)
	DECQ(rows)
	JNZ(LabelRef("row"))
	VZEROUPPER()
	RET()
}

// output computes Y = Aᵀ·M·A. It sums at most two rows of pixels at a time, because there
// are no registers for more.
func (f *filter) output() {
	out := f.Out()
	text(f, "Output", "func(y *float32, ld int, m *float32, plane, rows, tiles int)",
		fmt.Sprintf("turns the %d entries of rows × tiles tiles, entry e of tile t at", f.Side()*f.Side()),
		fmt.Sprintf("m[e·plane + t], into %d×%d pixels each. Rows of y lie ld apart; it writes groups of", out, out),
		fmt.Sprintf("%d pixels, of which those beyond a row are overwritten by the next one's.", out*isa.lanes))
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
	IMUL3Q(U8(f.Side()), plane, planes)
	factors, sign := factorsOf(f.AT), signBits()
	interleave := f.interleaver()
	Comment("A row's groups of tiles are taken from the right to the left.")
	last := GP64()
	LEAQ(Mem{Base: tiles}.Offset(-4), last)
	ANDQ(I8(-width()), last)
	Label("row")
	at := GP64()
	MOVQ(last, at)
	Label("tiles")
	to := GP64()
	LEAQ(Mem{Base: y, Index: at, Scale: uint8(out)}, to)
	together := 2
	if out > 2 {
		together = 1
	}
	for first := 0; first < out; first += together {
		from := GP64()
		LEAQ(Mem{Base: m, Index: at, Scale: 1}, from)
		pixels := make([][]combination, together) // of row and column
		for i := range pixels {
			pixels[i] = make([]combination, out)
		}
		for c := range f.Side() {
			column := GP64()
			MOVQ(from, column)
			part := make([]combination, together) // of Aᵀ·M
			for r := range f.Side() {
				if together == 1 { // its row has zeros
					if f.AT[first][r] != 0 {
						part[0].add(factors, f.AT[first][r], Mem{Base: column})
					}
				} else {
					entry := V()
					VMOVUPS(Mem{Base: column}, entry)
					for i := range part {
						part[i].add(factors, f.AT[first+i][r], entry)
					}
				}
				if r < f.Side()-1 {
					ADDQ(planes, column)
				}
			}
			for i := range pixels {
				value := part[i].value(sign)
				for j := range pixels[i] {
					pixels[i][j].add(factors, f.AT[j][c], value)
				}
			}
			if c < f.Side()-1 {
				ADDQ(plane, from)
			}
		}
		for i, row := range pixels {
			values := make([]reg.VecVirtual, out)
			for j := range row {
				values[j] = row[j].value(sign)
			}
			for j, v := range interleave(values) {
				VMOVUPS(v, Mem{Base: to}.Offset(j*width()))
			}
			if first+i < out-1 {
				ADDQ(ld, to)
			}
		}
	}
	SUBQ(imm(width()), at)
	JGE(LabelRef("tiles"))
	LEAQ(Mem{Base: y, Index: ld, Scale: uint8(out)}, y)
	ADDQ(tiles, m)
	DECQ(rows)
	JNZ(LabelRef("row"))
	VZEROUPPER()
	RET()
}

// interleaver writes the constants that a loop needs, and returns a function that
// interleaves the lanes of two or four registers.
func (f *filter) interleaver() func(x []reg.VecVirtual) []reg.VecVirtual {
	if f.Out() == 4 {
		return interleave4
	}
	if isa == avx512 {
		index := func(name string, first int) reg.VecVirtual {
			x := ZMM()
			VMOVDQU32(lanesData(name, func(lane int) int { return first + lane/2 + lane%2*16 }), x)
			return x
		}
		low, high := index(fmt.Sprint("interleaveLow", f.Size()), 0), index(fmt.Sprint("interleaveHigh", f.Size()), 8)
		return func(x []reg.VecVirtual) []reg.VecVirtual {
			first, second := ZMM(), x[0]
			VMOVAPS(x[0], first)
			VPERMT2PS(x[1], low, first)
			VPERMT2PS(x[1], high, second)
			return []reg.VecVirtual{first, second}
		}
	}
	return func(x []reg.VecVirtual) []reg.VecVirtual {
		lo, hi := YMM(), YMM()
		first, second := YMM(), YMM()
		VUNPCKLPS(x[1], x[0], lo)
		VUNPCKHPS(x[1], x[0], hi)
		VPERM2F128(U8(0x20), hi, lo, first)
		VPERM2F128(U8(0x31), hi, lo, second)
		return []reg.VecVirtual{first, second}
	}
}

// interleave4 transposes 4×4 lanes within each 128 bits, then these.
func interleave4(x []reg.VecVirtual) []reg.VecVirtual {
	ab, cd := [2]reg.VecVirtual{V(), V()}, [2]reg.VecVirtual{V(), V()}
	VUNPCKLPS(x[1], x[0], ab[0])
	VUNPCKHPS(x[1], x[0], ab[1])
	VUNPCKLPS(x[3], x[2], cd[0])
	VUNPCKHPS(x[3], x[2], cd[1])
	var t, y [4]reg.VecVirtual // t[i] has tiles i, i+4, …
	for i := range t {
		t[i] = V()
		VSHUFPS(U8([]uint8{0x44, 0xee}[i%2]), cd[i/2], ab[i/2], t[i])
	}
	if isa == avx2 {
		for i := range y {
			y[i] = V()
			VPERM2F128(U8([]uint8{0x20, 0x31}[i/2]), t[i%2*2+1], t[i%2*2], y[i])
		}
		return y[:]
	}
	for half, quarters := range []uint8{0x44, 0xee} {
		low, high := V(), V()
		VSHUFF32X4(U8(quarters), t[1], t[0], low)
		VSHUFF32X4(U8(quarters), t[3], t[2], high)
		for i, every := range []uint8{0x88, 0xdd} {
			y[2*half+i] = V()
			VSHUFF32X4(U8(every), high, low, y[2*half+i])
		}
	}
	return y[:]
}

// weights computes U = G·g·Gᵀ for the rows of one panel: three quarters of a vector.
func (f *filter) weights() {
	rows := isa.lanes * 3 / 4
	column := 4 * rows // bytes
	size := f.Size()
	text(f, "Weights", "func(u *float32, plane int, weights *float32, n int)",
		fmt.Sprintf("transforms the weights of n maps, %d columns of %d values each:", size*size, rows),
		fmt.Sprintf("entry e of map i goes to the %d values from u[e·plane + %[1]di] on. It reads %d values beyond.", rows, isa.lanes-rows))
	u := Load(Param("u"), GP64())
	plane := Load(Param("plane"), GP64())
	g := Load(Param("weights"), GP64())
	n := Load(Param("n"), GP64())
	SHLQ(U8(2), plane)
	factors, sign := factorsOf(f.G), signBits()
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
	for r := range f.Side() {
		t := make([]combination, size)
		for x := range t {
			for y, coefficient := range f.G[r] {
				t[x].add(factors, coefficient, Mem{Base: g}.Offset((size*y+x)*column))
			}
			t[x].value(sign)
		}
		for c := range f.Side() {
			var s combination
			for x, coefficient := range f.G[c] {
				s.add(factors, coefficient, t[x].y)
			}
			store(s.value(sign), Mem{Base: to})
			if r+c < 2*f.Side()-2 {
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

// gradient computes V = A·d·Aᵀ.
func (f *filter) gradient() {
	text(f, "Gradient", "func(v *float32, plane int, x *float32, pitch, phase, rows, tiles int)",
		fmt.Sprintf("spreads rows × tiles tiles of %d×%d pixels of x, which is laid out as for", f.Out(), f.Out()),
		fmt.Sprintf("winogradInput%s%s, to %d entries.", f.name(), isa.suffix, f.Side()*f.Side()))
	v, plane, _, x, pitch, phase, rows, tiles := tileRows(f)
	factors, sign := factorsOf(f.AT), signBits()
	Label("row")
	at := GP64()
	XORQ(at, at)
	Label("tiles")
	to := GP64()
	LEAQ(Mem{Base: v, Index: at, Scale: 1}, to)
	for r := range f.Side() {
		sums := make([]reg.VecVirtual, f.Out()) // of each column of pixels
		column := Mem{Base: x, Index: at, Scale: 1}
		for j := range sums {
			var s combination
			top, pixel := GP64(), GP64()
			LEAQ(column, top)
			MOVQ(top, pixel)
			for i := range f.Out() {
				s.add(factors, f.AT[i][r], Mem{Base: pixel})
				if i < f.Out()-1 {
					ADDQ(pitch, pixel)
				}
			}
			sums[j] = s.value(sign)
			column = Mem{Base: top, Index: phase, Scale: 1}
		}
		for c := range f.Side() {
			var s combination
			for j, sum := range sums {
				s.add(factors, f.AT[j][c], sum)
			}
			VMOVUPS(s.value(sign), Mem{Base: to})
			if r+c < 2*f.Side()-2 {
				ADDQ(plane, to)
			}
		}
	}
	ADDQ(imm(width()), at)
	CMPQ(at, tiles)
	JLT(LabelRef("tiles"))
	LEAQ(Mem{Base: x, Index: pitch, Scale: uint8(f.Out())}, x)
	ADDQ(tiles, v)
	DECQ(rows)
	JNZ(LabelRef("row"))
	VZEROUPPER()
	RET()
}

// weightGradient computes Gᵀ·u·G, one row at a time.
func (f *filter) weightGradient() {
	size := f.Size()
	text(f, "WeightGradient", "func(weights, u *float32, plane, n int)",
		fmt.Sprintf("turns the gradients of the %d entries of n maps, entry e of map i at", f.Side()*f.Side()),
		fmt.Sprintf("u[e·plane + i], into those of their %d weights, %d maps at a time: weight k goes", size*size, isa.lanes),
		"to weights[k·plane + i].")
	g := Load(Param("weights"), GP64())
	u := Load(Param("u"), GP64())
	plane := Load(Param("plane"), GP64())
	n := Load(Param("n"), GP64())
	SHLQ(U8(2), plane)
	planes := GP64()
	IMUL3Q(U8(f.Side()), plane, planes)
	factors, sign := factorsOf(f.G), signBits()
	Label("maps")
	to := GP64()
	MOVQ(g, to)
	for r := range size {
		t := make([]combination, f.Side())
		column := GP64()
		MOVQ(u, column)
		for c := range t {
			entry := GP64()
			MOVQ(column, entry)
			for k := range f.Side() {
				t[c].add(factors, f.G[k][r], Mem{Base: entry})
				if k < f.Side()-1 {
					ADDQ(planes, entry)
				}
			}
			t[c].value(sign)
			if c < f.Side()-1 {
				ADDQ(plane, column)
			}
		}
		for c := range size {
			var s combination
			for k := range t {
				s.add(factors, f.G[k][c], t[k].y)
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
