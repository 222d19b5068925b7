package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// winograd writes the transforms of F(2×2, 3×3): of the weights, a column of a
// panel at a time, and on both sides of the products, eight tiles of a row at a
// time.
func winograd() {
	winogradWeights()
	winogradInput()
	winogradOutput()
	winogradGradient()
}

// winogradInput is V = Bᵀ·d·B, whose entry (r, c) combines two rows and two
// columns of d: first the two columns, as they are loaded, then the two rows.
func winogradInput() {
	TEXT("winogradInputAVX2", NOSPLIT, "func(v *float32, plane int, x *float32, pitch, phase, rows, tiles int)")
	Doc("winogradInputAVX2 transforms rows × tiles tiles of 4×4 pixels, 2 apart, from rows",
		"of x that lie pitch apart and hold their even pixels first, the odd ones phase",
		"floats further: entry e of tile t goes to v[e·plane + t].")
	Pragma("noescape")
	v := Load(Param("v"), GP64())
	plane := Load(Param("plane"), GP64())
	x := Load(Param("x"), GP64())
	pitch := Load(Param("pitch"), GP64())
	phase := Load(Param("phase"), GP64())
	rows := Load(Param("rows"), GP64())
	tiles := Load(Param("tiles"), GP64())
	SHLQ(U8(2), plane)
	SHLQ(U8(2), pitch)
	SHLQ(U8(2), phase)
	SHLQ(U8(2), tiles)
	plane4 := GP64()
	MOVQ(plane, plane4)
	SHLQ(U8(2), plane4)
	Label("row")
	at := GP64()
	XORQ(at, at)
	Label("tiles")
	to := GP64()
	LEAQ(Mem{Base: v, Index: at, Scale: 1}, to)
	for c := range 4 {
		// Even pixels are columns 0 and 2 of a tile, odd ones 1 and 3.
		e := make([]reg.VecVirtual, 4)
		even, odd := GP64(), GP64()
		LEAQ(Mem{Base: x, Index: at, Scale: 1}, even)
		LEAQ(Mem{Base: even, Index: phase, Scale: 1}, odd)
		for r := range 4 {
			e[r] = YMM()
			d0, d2 := Mem{Base: even}, Mem{Base: even}.Offset(4)
			d1, d3 := Mem{Base: odd}, Mem{Base: odd}.Offset(4)
			switch c {
			case 0:
				VMOVUPS(d0, e[r])
				VSUBPS(d2, e[r], e[r])
			case 1:
				VMOVUPS(d1, e[r])
				VADDPS(d2, e[r], e[r])
			case 2:
				VMOVUPS(d2, e[r])
				VSUBPS(d1, e[r], e[r])
			case 3:
				VMOVUPS(d1, e[r])
				VSUBPS(d3, e[r], e[r])
			}
			if r < 3 {
				ADDQ(pitch, even)
				ADDQ(pitch, odd)
			}
		}
		out := GP64()
		MOVQ(to, out)
		for r := range 4 {
			y := YMM()
			switch r {
			case 0:
				VSUBPS(e[2], e[0], y)
			case 1:
				VADDPS(e[2], e[1], y)
			case 2:
				VSUBPS(e[1], e[2], y)
			case 3:
				VSUBPS(e[3], e[1], y)
			}
			VMOVUPS(y, Mem{Base: out})
			if r < 3 {
				ADDQ(plane4, out)
			}
		}
		if c < 3 {
			ADDQ(plane, to)
		}
	}
	ADDQ(I8(32), at)
	CMPQ(at, tiles)
	JLT(LabelRef("tiles"))
	LEAQ(Mem{Base: x, Index: pitch, Scale: 2}, x)
	ADDQ(tiles, v)
	DECQ(rows)
	JNZ(LabelRef("row"))
	VZEROUPPER()
	RET()
}

// winogradOutput is Y = Aᵀ·M·A.
func winogradOutput() {
	TEXT("winogradOutputAVX2", NOSPLIT, "func(y *float32, ld int, m *float32, plane, rows, tiles int)")
	Doc("winogradOutputAVX2 turns the 16 entries of rows × tiles tiles, entry e of tile t at",
		"m[e·plane + t], into 2×2 pixels each. Rows of y lie ld apart; it writes groups of",
		"16 pixels, of which those beyond a row are overwritten by the next one's.")
	Pragma("noescape")
	y := Load(Param("y"), GP64())
	ld := Load(Param("ld"), GP64())
	m := Load(Param("m"), GP64())
	plane := Load(Param("plane"), GP64())
	rows := Load(Param("rows"), GP64())
	tiles := Load(Param("tiles"), GP64())
	SHLQ(U8(2), ld)
	SHLQ(U8(2), plane)
	SHLQ(U8(2), tiles)
	plane4 := GP64()
	MOVQ(plane, plane4)
	SHLQ(U8(2), plane4)
	Comment("A row's groups of eight tiles are taken from the right to the left.")
	last := GP64()
	LEAQ(Mem{Base: tiles}.Offset(-4), last)
	ANDQ(I8(-32), last)
	Label("row")
	at := GP64()
	MOVQ(last, at)
	Label("tiles")
	from := GP64()
	LEAQ(Mem{Base: m, Index: at, Scale: 1}, from)
	sums := [2][2]reg.VecVirtual{{YMM(), YMM()}, {YMM(), YMM()}} // of row and column
	for c := range 4 {
		col := GP64()
		MOVQ(from, col)
		m1, upper, lower := YMM(), YMM(), YMM()
		VMOVUPS(Mem{Base: col}, upper)
		ADDQ(plane4, col)
		VMOVUPS(Mem{Base: col}, m1)
		VADDPS(m1, upper, upper)
		ADDQ(plane4, col)
		m2 := YMM()
		VMOVUPS(Mem{Base: col}, m2)
		VADDPS(m2, upper, upper)
		VSUBPS(m2, m1, lower)
		ADDQ(plane4, col)
		VSUBPS(Mem{Base: col}, lower, lower)
		for r, s := range []reg.VecVirtual{upper, lower} {
			switch c {
			case 0:
				VMOVAPS(s, sums[r][0])
			case 1:
				VADDPS(s, sums[r][0], sums[r][0])
				VMOVAPS(s, sums[r][1])
			case 2:
				VADDPS(s, sums[r][0], sums[r][0])
				VSUBPS(s, sums[r][1], sums[r][1])
			case 3:
				VSUBPS(s, sums[r][1], sums[r][1])
			}
		}
		if c < 3 {
			ADDQ(plane, from)
		}
	}
	to := GP64()
	LEAQ(Mem{Base: y, Index: at, Scale: 2}, to)
	for r, s := range sums {
		lo, hi, out := YMM(), YMM(), YMM()
		VUNPCKLPS(s[1], s[0], lo)
		VUNPCKHPS(s[1], s[0], hi)
		VPERM2F128(U8(0x20), hi, lo, out)
		VMOVUPS(out, Mem{Base: to})
		VPERM2F128(U8(0x31), hi, lo, out)
		VMOVUPS(out, Mem{Base: to}.Offset(32))
		if r == 0 {
			ADDQ(ld, to)
		}
	}
	SUBQ(I8(32), at)
	JGE(LabelRef("tiles"))
	LEAQ(Mem{Base: y, Index: ld, Scale: 2}, y)
	ADDQ(tiles, m)
	DECQ(rows)
	JNZ(LabelRef("row"))
	VZEROUPPER()
	RET()
}

// winogradWeights is U = G·g·Gᵀ for the MR rows of one panel.
func winogradWeights() {
	TEXT("winogradWeightsAVX2", NOSPLIT, "func(u *float32, plane int, weights *float32, n int)")
	Doc("winogradWeightsAVX2 transforms the weights of n maps, 9 columns of 6 values each: entry",
		"e of map i goes to the 6 values from u[e·plane + 6i] on. It reads 2 values beyond.")
	Pragma("noescape")
	u := Load(Param("u"), GP64())
	plane := Load(Param("plane"), GP64())
	g := Load(Param("weights"), GP64())
	n := Load(Param("n"), GP64())
	SHLQ(U8(2), plane)
	plane4 := GP64()
	MOVQ(plane, plane4)
	SHLQ(U8(2), plane4)
	bits := GP32()
	MOVL(U32(0x3f000000), bits)
	half := YMM()
	VMOVD(bits, half.AsX())
	VPBROADCASTD(half.AsX(), half)
	const column = 6 * 4 // bytes
	// combine turns three values into four: a, (a+c+b)/2, (a+c−b)/2, c.
	combine := func(a, b, c reg.VecVirtual) (sum, difference reg.VecVirtual) {
		sum, difference = YMM(), YMM()
		VADDPS(c, a, sum)
		VSUBPS(b, sum, difference)
		VADDPS(b, sum, sum)
		VMULPS(half, sum, sum)
		VMULPS(half, difference, difference)
		return sum, difference
	}
	store := func(v reg.VecVirtual, to Mem) {
		VMOVUPS(v.AsX(), to)
		high := XMM()
		VEXTRACTF128(U8(1), v, high)
		VMOVLPS(high, to.Offset(16))
	}
	Label("map")
	for r := range 4 {
		row := GP64()
		MOVQ(u, row)
		for range r {
			ADDQ(plane4, row)
		}
		var t [3]reg.VecVirtual
		for x := range t {
			at := func(y int) Mem { return Mem{Base: g}.Offset((3*y + x) * column) }
			t[x] = YMM()
			switch r {
			case 0:
				VMOVUPS(at(0), t[x])
			case 3:
				VMOVUPS(at(2), t[x])
			default:
				VMOVUPS(at(0), t[x])
				VADDPS(at(2), t[x], t[x])
				if r == 1 {
					VADDPS(at(1), t[x], t[x])
				} else {
					VSUBPS(at(1), t[x], t[x])
				}
				VMULPS(half, t[x], t[x])
			}
		}
		sum, difference := combine(t[0], t[1], t[2])
		for c, v := range []reg.VecVirtual{t[0], sum, difference, t[2]} {
			store(v, Mem{Base: row})
			if c < 3 {
				ADDQ(plane, row)
			}
		}
	}
	ADDQ(I8(column), u)
	ADDQ(U32(9*column), g)
	DECQ(n)
	JNZ(LabelRef("map"))
	VZEROUPPER()
	RET()
}

// winogradGradient is V = A·d·Aᵀ.
func winogradGradient() {
	TEXT("winogradGradientAVX2", NOSPLIT, "func(v *float32, plane int, x *float32, pitch, phase, rows, tiles int)")
	Doc("winogradGradientAVX2 spreads rows × tiles tiles of 2×2 pixels of x, which is laid out as",
		"for winogradInputAVX2, to 16 entries.")
	Pragma("noescape")
	v := Load(Param("v"), GP64())
	plane := Load(Param("plane"), GP64())
	x := Load(Param("x"), GP64())
	pitch := Load(Param("pitch"), GP64())
	phase := Load(Param("phase"), GP64())
	rows := Load(Param("rows"), GP64())
	tiles := Load(Param("tiles"), GP64())
	SHLQ(U8(2), plane)
	SHLQ(U8(2), pitch)
	SHLQ(U8(2), phase)
	SHLQ(U8(2), tiles)
	sign := YMM()
	VPCMPEQD(sign, sign, sign)
	VPSLLD(U8(31), sign, sign)
	Label("row")
	at := GP64()
	XORQ(at, at)
	Label("tiles")
	upper, lower, to := GP64(), GP64(), GP64()
	LEAQ(Mem{Base: x, Index: at, Scale: 1}, upper)
	LEAQ(Mem{Base: upper, Index: pitch, Scale: 1}, lower)
	LEAQ(Mem{Base: v, Index: at, Scale: 1}, to)
	d := [2][2]reg.VecVirtual{{YMM(), YMM()}, {YMM(), YMM()}}
	for r, row := range []reg.GPVirtual{upper, lower} {
		VMOVUPS(Mem{Base: row}, d[r][0])
		VMOVUPS(Mem{Base: row, Index: phase, Scale: 1}, d[r][1])
	}
	// spread turns two values into four: a, a+b, a−b, −b.
	spread := func(a, b reg.VecVirtual, e int) reg.VecVirtual {
		y := YMM()
		switch e {
		case 0:
			VMOVAPS(a, y)
		case 1:
			VADDPS(b, a, y)
		case 2:
			VSUBPS(b, a, y)
		case 3:
			VXORPS(sign, b, y)
		}
		return y
	}
	for r := range 4 {
		even, odd := spread(d[0][0], d[1][0], r), spread(d[0][1], d[1][1], r)
		for c := range 4 {
			VMOVUPS(spread(even, odd, c), Mem{Base: to})
			if r+c < 6 {
				ADDQ(plane, to)
			}
		}
	}
	ADDQ(I8(32), at)
	CMPQ(at, tiles)
	JLT(LabelRef("tiles"))
	LEAQ(Mem{Base: x, Index: pitch, Scale: 2}, x)
	ADDQ(tiles, v)
	DECQ(rows)
	JNZ(LabelRef("row"))
	VZEROUPPER()
	RET()
}
