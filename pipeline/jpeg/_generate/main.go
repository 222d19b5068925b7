// Command generate writes the assembly of package jpeg.
package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

func main() {
	ConstraintExpr("amd64,!noasm")
	coefficients()
	inverse()
	convert()
	doubleRows()
	Generate()
}

// Fields in BEXTR's form: the first bit, and in the next byte the number of bits.
const (
	sizeField   = 6 | 4<<8  // of a symbol
	wideField   = 11 | 4<<8 // size of a wide couple
	firstField  = 6 | 5<<8  // steps of a couple's first coefficient
	secondField = 11 | 6<<8 // and of its second
)

// coefficients keeps the whole state in registers. From one couple to the next, the
// dependency chain is a shift, a look-up and a shift; all other work runs beside it.
// Symbols that don't fit a couple are decoded one by one.
func coefficients() {
	TEXT("coefficientsBMI2", NOSPLIT, "func(data *byte, c *int, units **int16, n, unit, k int, places *byte) (unit1, k1 int)")
	Doc("coefficientsBMI2 is coefficientsGo for n bytes of units, from byte unit on; it returns that of the",
		"unit that it is at. It writes to the blocks that they point to.")
	Pragma("noescape")
	cursor := Mem{Base: Load(Param("c"), GP64())}
	next, bits, have := GP64(), GP64(), GP64()
	MOVQ(cursor, next)
	MOVQ(cursor.Offset(8), bits)
	MOVQ(cursor.Offset(16), have)
	ADDQ(NewParamAddr("data", 0), next)
	k := Load(Param("k"), GP64())
	units := NewParamAddr("units", 16)
	end := AllocLocal(8) // end of the last unit
	at := GP64()
	MOVQ(units, at)
	ADDQ(NewParamAddr("n", 24), at)
	MOVQ(at, end)
	unit := Load(Param("unit"), GP64())
	ADDQ(units, unit)
	block, table := GP64(), GP64()
	places := Load(Param("places"), GP64())
	first, second := GP32(), GP32()
	MOVL(U32(firstField), first)
	MOVL(U32(secondField), second)

	refill := func() {
		more, bytes := GP64(), GP64()
		MOVQ(Mem{Base: next}, more)
		BSWAPQ(more)
		SHRXQ(have, more, more)
		ORQ(more, bits)
		MOVQ(have, bytes) // 63 − have equals have with its six bits inverted
		NOTQ(bytes)
		SHRQ(Imm(3), bytes)
		ANDQ(Imm(7), bytes)
		ADDQ(bytes, next)
		ORQ(Imm(56), have)
	}
	// skip removes the bits of a symbol or a couple. Only the lowest six bits of have
	// matter, also to the shift; bits above the total are ignored.
	skip := func(symbol Register) {
		SHLXQ(symbol, bits, bits)
		SUBQ(symbol, have)
	}
	// put sets the coefficient step positions after the k-th.
	put := func(step Register, value GPVirtual) {
		ADDQ(step.(GP).As64(), k)
		place := GP64()
		MOVBLZX(Mem{Base: places, Index: k, Scale: 1}, place.As32())
		MOVW(value.As16(), Mem{Base: block, Index: place, Scale: 2})
	}

	// index is the last look-up that found the couple.
	index, couple := GP64(), GP64()
	coefficients := func() {
		MOVQ(bits, index)
		SHRQ(Imm(64-lookBits), index)
		MOVL(Mem{Base: table, Index: index, Scale: 4, Disp: huffmanCouples}, couple.As32())
		step, value := GP32(), GP32()
		BEXTRL(first, couple.As32(), step)
		JZ(LabelRef("wide"))
		skip(couple)
		MOVL(couple.As32(), value)
		SHLL(Imm(8), value)
		SARL(Imm(25), value)
		put(step, value)
		step, value = GP32(), GP32()
		BEXTRL(second, couple.As32(), step)
		MOVL(couple.As32(), value)
		SARL(Imm(24), value)
		put(step, value)
		TESTL(U32(32<<11), couple.As32()) // known before k
		JNZ(LabelRef("end"))
		CMPQ(k, Imm(63))
		JAE(LabelRef("last"))
	}

	// lookUp finds the next symbol, and jumps if it isn't in the table.
	lookUp := func(table Register) (symbol GPVirtual) {
		symbol = GP64()
		MOVQ(bits, symbol)
		SHRQ(Imm(64-lookBits), symbol)
		MOVWLZX(Mem{Base: table, Index: symbol, Scale: 2}, symbol.As32())
		TESTL(symbol.As32(), symbol.As32())
		JZ(LabelRef("unknown"))
		return symbol
	}
	// value returns the value of the bits after the code, 0 if there are none.
	value := func(symbol GPVirtual, field uint32) GPVirtual {
		size, v, power, low := GP64(), GP64(), GP32(), GP32()
		MOVL(U32(field), size.As32())
		BEXTRL(size.As32(), symbol.As32(), size.As32())
		MOVQ(symbol, v)
		NEGQ(v) // 64 − total, modulo 64
		SHRXQ(v, bits, v)
		skip(symbol)
		BZHIL(size.As32(), v.As32(), v.As32())
		// If 2v < 2^size, v − 2^size + 1 instead.
		MOVL(I32(-1), power)
		SHLXL(size.As32(), power, power) // −2^size
		LEAL(Mem{Base: v, Disp: 1}.Idx(power.As64(), 1), low)
		LEAL(Mem{Base: power.As64()}.Idx(v, 2), power)
		TESTL(power, power)
		CMOVLMI(low, v.As32())
		return v
	}

	Label("block")
	MOVQ(Mem{Base: unit, Disp: unitBlock}, block)
	MOVQ(Mem{Base: unit, Disp: unitAC}, table)
	TESTQ(k, k)
	JNS(LabelRef("enter"))
	refill()
	dc := GP64()
	MOVQ(Mem{Base: unit, Disp: unitDC}, dc)
	difference := value(lookUp(dc), sizeField)
	prediction := GP64()
	MOVQ(Mem{Base: unit, Disp: unitPrediction}, prediction)
	ADDL(Mem{Base: prediction}, difference.As32())
	MOVL(difference.As32(), Mem{Base: prediction})
	MOVW(difference.As16(), Mem{Base: block})
	XORQ(k, k)
	JMP(LabelRef("two"))

	Label("enter") // in the middle of a block
	CMPQ(k, Imm(63))
	JAE(LabelRef("done"))
	Label("five") // the bits are at most 55
	refill()
	coefficients()
	coefficients()
	coefficients()
	Label("two") // after 27 bits at most
	coefficients()
	coefficients()
	JMP(LabelRef("five"))

	Label("end")
	CMPQ(k, Imm(63+toEnd))
	JB(LabelRef("next"))
	Label("last") // coefficient, or somewhere in the couple
	CMPQ(k, Imm(63))
	JE(LabelRef("next"))
	// The second symbol belongs to the next block: undo both, and decode one.
	SHRXQ(couple, bits, bits)
	SHLQ(Imm(64-lookBits), index)
	ORQ(index, bits)
	ADDQ(couple, have)
	for _, field := range []Register{first, second} {
		step := GP32()
		BEXTRL(field, couple.As32(), step)
		SUBQ(step.As64(), k)
	}
	symbol := lookUp(table)
	MOVL(symbol.As32(), couple.As32())
	ANDL(U32(63), couple.As32())
	SHRL(Imm(6), symbol.As32())
	SHLL(Imm(11), symbol.As32())
	ORL(symbol.As32(), couple.As32())

	Label("wide") // a couple of one symbol, whose value isn't in the table
	TESTL(couple.As32(), couple.As32())
	JZ(LabelRef("unknown"))
	refill()
	v := value(couple, wideField)
	SHRL(Imm(15), couple.As32())
	put(couple.As32(), v)
	CMPQ(k, Imm(63))
	JB(LabelRef("two"))

	Label("done") // on to the next block
	CMPQ(k, Imm(63))
	JA(LabelRef("unknown")) // damaged
	Label("next")
	ADDQ(Imm(unitSize), unit)
	MOVQ(I32(-1), k)
	CMPQ(unit, end)
	JB(LabelRef("block"))

	Label("unknown")
	SUBQ(NewParamAddr("data", 0), next)
	c := Mem{Base: Load(Param("c"), GP64())}
	MOVQ(next, c)
	MOVQ(bits, c.Offset(8))
	ANDQ(Imm(63), have)
	MOVQ(have, c.Offset(16))
	Store(k, Return("k1"))
	SUBQ(units, unit)
	Store(unit, Return("unit1"))
	RET()
}

// The layouts of a unit and of a huffman, and the step of a couple that ends a block.
const (
	unitBlock      = 0
	unitDC         = 8
	unitAC         = 16
	unitPrediction = 24
	unitSize       = 32
	huffmanCouples = 2 << lookBits
	lookBits       = 11
	toEnd          = 63
)

const (
	c0298 = 2446
	c0390 = 3196
	c0541 = 4433
	c0765 = 6270
	c0899 = 7373
	c1175 = 9633
	c1501 = 12299
	c1847 = 15137
	c1961 = 16069
	c2053 = 16819
	c2562 = 20995
	c3072 = 25172
)

// pairs is a constant of two words, over and over.
func pairs(name string, a, b int16) Mem {
	m := GLOBL(name, RODATA|NOPTR)
	for i := range 16 {
		DATA(4*i, U16(uint16(a)))
		DATA(4*i+2, U16(uint16(b)))
	}
	return m
}

// longs is a constant of 32 bits, over and over.
func longs(name string, v uint32) Mem {
	m := GLOBL(name, RODATA|NOPTR)
	for i := range 16 {
		DATA(4*i, U32(v))
	}
	return m
}

// inverse makes the kernels for one pair of blocks and for two pairs.
func inverse() {
	k := kernel{
		t3: pairs("t3", c0541+c0765, c0541),
		t2: pairs("t2", c0541, c0541-c1847),
		y3: pairs("y3", c1175-c1961, c1175),
		y4: pairs("y4", c1175, c1175-c0390),
		odd: [4]Mem{
			pairs("odd0", -c0899, c1501-c0899),
			pairs("odd1", -c2562, c3072-c2562),
			pairs("odd2", c2053-c2562, -c2562),
			pairs("odd3", c0298-c0899, -c0899),
		},
		round: map[uint64]Mem{11: longs("round11", 1<<10), 18: longs("round18", 1<<17)},
		flip:  longs("half", 0x80808080),
	}
	k.pair()
	k.wide = true
	k.two()
}

// pair has one block in each half of a register, which holds a row of both blocks as
// words.
func (k *kernel) pair() {
	TEXT("inversePairAVX2", NOSPLIT, "func(dst *byte, stride int, coefs, divisors *int16)")
	Pragma("noescape")
	Doc("inversePairAVX2 is inversePairGo.")
	coefs := Mem{Base: Load(Param("coefs"), GP64())}
	divisors := Mem{Base: Load(Param("divisors"), GP64())}
	work := AllocLocal(8 * 32)
	k.half = AllocLocal(8 * 32)
	rows := k.pass(func(i int) VecVirtual {
		row := YMM()
		VMOVDQU(coefs.Offset(32*i), row)
		VPMULLW(divisors.Offset(32*i), row, row)
		return row
	}, 11)
	for i, row := range k.transposeWords(rows) {
		VMOVDQU(row, work.Offset(32*i))
	}
	columns := k.pass(func(i int) VecVirtual {
		column := YMM()
		VMOVDQU(work.Offset(32*i), column)
		return column
	}, 18)
	flip := YMM()
	VMOVDQU(k.flip, flip)
	dst := Load(Param("dst"), GP64())
	stride := Load(Param("stride"), GP64())
	for i, two := range k.bytes(columns) {
		VPXOR(flip, two, two)
		VPERMQ(Imm(0b11_01_10_00), two, two)
		VMOVDQU(two.AsX(), Mem{Base: dst})
		VEXTRACTI128(Imm(1), two, Mem{Base: dst, Index: stride, Scale: 1})
		if i < 3 {
			LEAQ(Mem{Base: dst, Index: stride, Scale: 2}, dst)
		}
	}
	VZEROUPPER()
	RET()
}

// two has a pair in each half of a register, and keeps all of it in registers.
func (k *kernel) two() {
	TEXT("inverseTwoAVX512", NOSPLIT, "func(dst, second *byte, stride int, coefs, divisors *int16)")
	Pragma("noescape")
	Doc("inverseTwoAVX512 is inversePairGo for two pairs, one after the other in coefs.")
	coefs := Mem{Base: Load(Param("coefs"), GP64())}
	divisors := Mem{Base: Load(Param("divisors"), GP64())}
	var rows [8]VecVirtual
	for i := range rows {
		divisor := ZMM()
		rows[i] = ZMM()
		VBROADCASTI64X4(coefs.Offset(32*i), rows[i])
		VINSERTI64X4(Imm(1), coefs.Offset(256+32*i), rows[i], rows[i])
		VBROADCASTI64X4(divisors.Offset(32*i), divisor)
		VPMULLW(divisor, rows[i], rows[i])
	}
	rows = k.transposeWords(k.pass(func(i int) VecVirtual { return rows[i] }, 11))
	columns := k.pass(func(i int) VecVirtual { return rows[i] }, 18)
	flip := ZMM()
	VMOVDQU64(k.flip, flip)
	dst := Load(Param("dst"), GP64())
	second := Load(Param("second"), GP64())
	stride := Load(Param("stride"), GP64())
	for i, two := range k.bytes(columns) {
		VPXORQ(flip, two, two)
		VPERMQ(Imm(0b11_01_10_00), two, two)
		VMOVDQU64(two.AsX(), Mem{Base: dst})
		VEXTRACTI32X4(Imm(1), two, Mem{Base: dst, Index: stride, Scale: 1})
		VEXTRACTI32X4(Imm(2), two, Mem{Base: second})
		VEXTRACTI32X4(Imm(3), two, Mem{Base: second, Index: stride, Scale: 1})
		if i < 3 {
			LEAQ(Mem{Base: dst, Index: stride, Scale: 2}, dst)
			LEAQ(Mem{Base: second, Index: stride, Scale: 2}, second)
		}
	}
	VZEROUPPER()
	RET()
}

// bytes turns columns of words into rows of bytes: two rows of each block in a register.
func (k *kernel) bytes(columns [8]VecVirtual) (rows [4]VecVirtual) {
	var packed [4]VecVirtual
	for i := range packed {
		packed[i] = columns[i]
		VPACKSSWB(columns[i+4], columns[i], packed[i])
	}
	a, b, c, d := k.vec(), k.vec(), k.vec(), k.vec()
	VPUNPCKLBW(packed[1], packed[0], a)
	VPUNPCKHBW(packed[1], packed[0], b)
	VPUNPCKLBW(packed[3], packed[2], c)
	VPUNPCKHBW(packed[3], packed[2], d)
	var e [4]VecVirtual // columns 0–3 of rows 0–3 and 4–7, and columns 4–7
	for i := range e {
		e[i] = k.vec()
	}
	VPUNPCKLWD(c, a, e[0])
	VPUNPCKHWD(c, a, e[1])
	VPUNPCKLWD(d, b, e[2])
	VPUNPCKHWD(d, b, e[3])
	for i := range rows {
		rows[i] = k.vec()
		if i%2 == 0 {
			VPUNPCKLDQ(e[2+i/2], e[i/2], rows[i])
		} else {
			VPUNPCKHDQ(e[2+i/2], e[i/2], rows[i])
		}
	}
	return rows
}

// kernel is the one-dimensional transform.
type kernel struct {
	wide           bool // 512 bits and 32 registers
	half           Mem  // room for half of the longs, if not wide
	flip           Mem
	t3, t2, y3, y4 Mem
	odd            [4]Mem
	round          map[uint64]Mem
}

func (k *kernel) vec() VecVirtual {
	if k.wide {
		return ZMM()
	}
	return YMM()
}

// pass transforms eight rows of words. Words become longs in two halves, columns 0–3 and
// 4–7. If there are too few registers, the first half is kept in memory.
func (k *kernel) pass(in func(int) VecVirtual, shift uint64) (out [8]VecVirtual) {
	var low [8]VecVirtual
	k.longs(in, shift, false, func(i int, sum VecVirtual) {
		if low[i] = sum; !k.wide {
			VMOVDQU(sum, k.half.Offset(32*i))
		}
	})
	k.longs(in, shift, true, func(i int, sum VecVirtual) {
		if !k.wide {
			low[i] = YMM()
			VMOVDQU(k.half.Offset(32*i), low[i])
		}
		out[i] = k.vec()
		VPACKSSDW(sum, low[i], out[i])
	})
	return out
}

func (k *kernel) longs(load func(int) VecVirtual, shift uint64, high bool, emit func(int, VecVirtual)) {
	unpack := VPUNPCKLWD
	if high {
		unpack = VPUNPCKHWD
	}
	// interleave makes pairs of a's and b's words.
	interleave := func(a, b VecVirtual) VecVirtual {
		r := k.vec()
		unpack(b, a, r)
		return r
	}
	times := func(constant Mem, words VecVirtual) VecVirtual {
		r := k.vec()
		VPMADDWD(constant, words, r)
		return r
	}
	add := func(a, b VecVirtual) VecVirtual {
		r := k.vec()
		VPADDD(b, a, r)
		return r
	}
	sub := func(a, b VecVirtual) VecVirtual { // a − b
		r := k.vec()
		VPSUBD(b, a, r)
		return r
	}

	// Even coefficients.
	zero := k.vec()
	if k.wide {
		VPXORQ(zero, zero, zero)
	} else {
		VPXOR(zero, zero, zero)
	}
	first, fifth := load(0), load(4)
	sum, difference := k.vec(), k.vec()
	VPADDW(fifth, first, sum)
	VPSUBW(fifth, first, difference)
	widen := func(words VecVirtual) VecVirtual { // times 2^13, plus half a unit
		r := interleave(zero, words)
		VPSRAD(Imm(3), r, r)
		VPADDD(k.round[shift], r, r)
		return r
	}
	low, up := widen(sum), widen(difference)
	twoSix := interleave(load(2), load(6))
	t3, t2 := times(k.t3, twoSix), times(k.t2, twoSix)
	even := [4]VecVirtual{add(low, t3), add(up, t2), sub(up, t2), sub(low, t3)}

	// Odd coefficients.
	one, three, five, seven := load(1), load(3), load(5), load(7)
	z3, z4 := k.vec(), k.vec()
	VPADDW(three, seven, z3)
	VPADDW(one, five, z4)
	z := interleave(z3, z4)
	y3, y4 := times(k.y3, z), times(k.y4, z)
	sevenOne, fiveThree := interleave(seven, one), interleave(five, three)
	for i := range 4 {
		var odd VecVirtual
		switch i {
		case 0:
			odd = add(times(k.odd[0], sevenOne), y4)
		case 1:
			odd = add(times(k.odd[1], fiveThree), y3)
		case 2:
			odd = add(times(k.odd[2], fiveThree), y4)
		case 3:
			odd = add(times(k.odd[3], sevenOne), y3)
		}
		plus, minus := add(even[i], odd), sub(even[i], odd)
		VPSRAD(Imm(shift), plus, plus)
		emit(i, plus)
		VPSRAD(Imm(shift), minus, minus)
		emit(7-i, minus)
	}
}

// transposeWords transposes the 8×8 words in each 128 bits of eight registers.
func (k *kernel) transposeWords(r [8]VecVirtual) [8]VecVirtual {
	two := func(lo, hi func(mxy, xy, xy1 Op), a, b VecVirtual) (VecVirtual, VecVirtual) {
		l, h := k.vec(), k.vec()
		lo(b, a, l)
		hi(b, a, h)
		return l, h
	}
	wl, wh := func(a, b, c Op) { VPUNPCKLWD(a, b, c) }, func(a, b, c Op) { VPUNPCKHWD(a, b, c) }
	dl, dh := func(a, b, c Op) { VPUNPCKLDQ(a, b, c) }, func(a, b, c Op) { VPUNPCKHDQ(a, b, c) }
	ql, qh := func(a, b, c Op) { VPUNPCKLQDQ(a, b, c) }, func(a, b, c Op) { VPUNPCKHQDQ(a, b, c) }
	var w [8]VecVirtual // columns 0–3 and 4–7 of rows 01, 23, 45, 67
	for i := range 4 {
		w[2*i], w[2*i+1] = two(wl, wh, r[2*i], r[2*i+1])
	}
	var d [8]VecVirtual // d[4h+2·q+…] has columns 4h+2q, 4h+2q+1 of rows 0–3 and 4–7
	for h := range 2 {
		d[4*h], d[4*h+1] = two(dl, dh, w[h], w[2+h])
		d[4*h+2], d[4*h+3] = two(dl, dh, w[4+h], w[6+h])
	}
	var out [8]VecVirtual
	for h := range 2 {
		out[4*h], out[4*h+1] = two(ql, qh, d[4*h], d[4*h+2])
		out[4*h+2], out[4*h+3] = two(ql, qh, d[4*h+1], d[4*h+3])
	}
	return out
}
