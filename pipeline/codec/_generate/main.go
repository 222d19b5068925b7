// Command generate writes the assembly of the lossless codec's inner loops.
package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

func main() {
	ConstraintExpr("amd64,!noasm")
	prefixSum()
	addBytes()
	merge()
	residuals3()
	split()
	encodeSymbols()
	Generate()
}

// pointer loads the address of a slice parameter.
func pointer(name string) Mem { return Mem{Base: Load(Param(name).Base(), GP64())} }

// loop runs body for every group of 16 bytes of a slice, with i counting bytes.
func loop(slice string, body func(i reg.GPVirtual)) {
	n, i := Load(Param(slice).Len(), GP64()), GP64()
	XORQ(i, i)
	Label("loop")
	body(i)
	ADDQ(Imm(16), i)
	CMPQ(i, n)
	JB(LabelRef("loop"))
}

// prefixSum makes running sums of 16 bytes: it adds them to themselves shifted by 1, 2, 4
// and 8 bytes. Only the carry to the next 16 bytes is a dependency chain.
func prefixSum() {
	TEXT("prefixSumAVX", NOSPLIT, "func(row, above []byte, carry byte) byte")
	Doc("prefixSumAVX is prefixSumGo for a positive multiple of 16 bytes; it returns the last running sum.")
	row, above := pointer("row"), pointer("above")
	start := Load(Param("carry"), GP8())
	wide := GP32()
	MOVBLZX(start, wide)
	carry, last, zero := XMM(), XMM(), XMM()
	VMOVD(wide, carry)
	VPXOR(zero, zero, zero)
	VPSHUFB(zero, carry, carry) // byte 0 to all lanes
	VMOVDQU(bytes16("last", func(int) byte { return 15 }), last)
	loop("row", func(i reg.GPVirtual) {
		sum, shifted := XMM(), XMM()
		VMOVDQU(row.Idx(i, 1), sum)
		for _, bytes := range []uint64{1, 2, 4, 8} {
			VPSLLDQ(Imm(bytes), sum, shifted)
			VPADDB(shifted, sum, sum)
		}
		VPADDB(carry, sum, sum)
		VPSHUFB(last, sum, carry) // byte 15 to all lanes
		VPADDB(above.Idx(i, 1), sum, sum)
		VMOVDQU(sum, row.Idx(i, 1))
	})
	VMOVD(carry, wide)
	Store(wide.As8(), ReturnIndex(0))
	RET()
}

func addBytes() {
	TEXT("addBytesAVX", NOSPLIT, "func(row, above []byte)")
	Doc("addBytesAVX is addBytesGo for a positive multiple of 16 bytes.")
	row, above := pointer("row"), pointer("above")
	loop("row", func(i reg.GPVirtual) {
		sum := XMM()
		VMOVDQU(row.Idx(i, 1), sum)
		VPADDB(above.Idx(i, 1), sum, sum)
		VMOVDQU(sum, row.Idx(i, 1))
	})
	RET()
}

// encodeSymbols writes eight bytes for every four symbols, and advances by the number of
// complete ones.
func encodeSymbols() {
	TEXT("encodeSymbolsBMI2", NOSPLIT, "func(out *byte, src []byte, codes *uint16) (pos int, acc uint64, have uint)")
	Pragma("noescape")
	Doc("encodeSymbolsBMI2 is encodeSymbolsGo for at least four symbols.")
	out := Load(Param("out"), GP64())
	first := Load(Param("src").Base(), GP64())
	n := Load(Param("src").Len(), GP64())
	codes := Load(Param("codes"), GP64())
	at := GP64()
	MOVQ(out, at)
	acc, have := GP64(), GP64()
	XORQ(acc, acc)
	XORQ(have, have)
	encode := func(i int) {
		symbol, code := GP64(), GP64()
		MOVBLZX(Mem{Base: first, Index: n, Scale: 1, Disp: i}, symbol.As32())
		MOVWLZX(Mem{Base: codes, Index: symbol, Scale: 4}, code.As32())
		MOVWLZX(Mem{Base: codes, Index: symbol, Scale: 4, Disp: 2}, symbol.As32())
		SHLXQ(have, code, code)
		ORQ(code, acc)
		ADDQ(symbol, have)
	}
	flush := func() {
		whole := GP64()
		MOVQ(acc, Mem{Base: at})
		MOVQ(have, whole)
		SHRQ(Imm(3), whole)
		ADDQ(whole, at)
		SHLQ(Imm(3), whole)
		SHRXQ(whole, acc, acc)
		ANDQ(Imm(7), have)
	}
	SUBQ(Imm(4), n)
	Label("four")
	for i := 3; i >= 0; i-- {
		encode(i)
	}
	flush()
	SUBQ(Imm(4), n)
	JNS(LabelRef("four"))
	ADDQ(Imm(4), n)
	JZ(LabelRef("encoded"))
	Label("one") // of up to three
	encode(-1)
	DECQ(n)
	JNZ(LabelRef("one"))
	flush()
	Label("encoded")
	SUBQ(out, at)
	Store(at, Return("pos"))
	Store(acc, Return("acc"))
	Store(have, Return("have"))
	RET()
}

// merge adds green and interleaves: byte k of 48 is colour k%3 of pixel k/3.
func merge() {
	TEXT("mergeAVX", NOSPLIT, "func(rgb, g, r, b []byte)")
	Doc("mergeAVX is mergeGo for a positive multiple of 16 pixels.")
	rgb, g, r, b := pointer("rgb"), pointer("g"), pointer("r"), pointer("b")
	var masks [3][3]reg.VecVirtual // [16 bytes of output][colour]
	for out := range masks {
		for colour := range masks[out] {
			masks[out][colour] = XMM()
			VMOVDQU(mergeMask(out, colour), masks[out][colour])
		}
	}
	loop("g", func(i reg.GPVirtual) {
		green, red, blue := XMM(), XMM(), XMM()
		VMOVDQU(g.Idx(i, 1), green)
		VPADDB(r.Idx(i, 1), green, red)
		VPADDB(b.Idx(i, 1), green, blue)
		at := GP64()
		LEAQ(Mem{Base: i, Index: i, Scale: 2}, at)
		for out := range masks {
			merged, part := XMM(), XMM()
			VPSHUFB(masks[out][0], red, merged)
			VPSHUFB(masks[out][1], green, part)
			VPOR(part, merged, merged)
			VPSHUFB(masks[out][2], blue, part)
			VPOR(part, merged, merged)
			VMOVDQU(merged, rgb.Offset(16*out).Idx(at, 1))
		}
	})
	RET()
}

// split gathers each colour's bytes from three times 16 bytes, and subtracts green.
func split() {
	TEXT("splitAVX", NOSPLIT, "func(g, r, b, rgb []byte)")
	Doc("splitAVX is splitGo for a positive multiple of 16 pixels.")
	g, r, b, rgb := pointer("g"), pointer("r"), pointer("b"), pointer("rgb")
	var masks [3][3]Mem // [16 bytes of input][colour]
	for in := range masks {
		for colour := range masks[in] {
			masks[in][colour] = splitMask(in, colour)
		}
	}
	loop("g", func(i reg.GPVirtual) {
		at := GP64()
		LEAQ(Mem{Base: i, Index: i, Scale: 2}, at)
		var colours [3]reg.VecVirtual
		for in := range masks {
			from := XMM()
			VMOVDQU(rgb.Offset(16*in).Idx(at, 1), from)
			for colour := range colours {
				part := XMM()
				VPSHUFB(masks[in][colour], from, part)
				if in > 0 {
					VPOR(colours[colour], part, part)
				}
				colours[colour] = part
			}
		}
		red, green, blue := colours[0], colours[1], colours[2]
		VPSUBB(green, red, red)
		VPSUBB(green, blue, blue)
		VMOVDQU(green, g.Idx(i, 1))
		VMOVDQU(red, r.Idx(i, 1))
		VMOVDQU(blue, b.Idx(i, 1))
	})
	RET()
}

// residuals3 subtracts three guesses from 16 values at once. VPSADBW sums up
// magnitudes of eight bytes at a time in two halves of 64 bits.
func residuals3() {
	TEXT("residuals3AVX", NOSPLIT, "func(left, up, gradient, row, above []byte) (costLeft, costUp, costGradient int)")
	Doc("residuals3AVX is residuals3Go for a positive multiple of 16 residuals.")
	outs := []Mem{pointer("left"), pointer("up"), pointer("gradient")}
	row, above := pointer("row"), pointer("above")
	zero, costs := XMM(), []reg.VecVirtual{XMM(), XMM(), XMM()}
	VPXOR(zero, zero, zero)
	for _, cost := range costs {
		VPXOR(cost, cost, cost)
	}
	loop("left", func(i reg.GPVirtual) {
		value, west, north, northWest := XMM(), XMM(), XMM(), XMM()
		VMOVDQU(row.Offset(1).Idx(i, 1), value)
		VMOVDQU(row.Idx(i, 1), west)
		VMOVDQU(above.Offset(1).Idx(i, 1), north)
		VMOVDQU(above.Idx(i, 1), northWest)
		left, up, gradient := XMM(), XMM(), XMM()
		VPSUBB(west, value, left)
		VPSUBB(north, value, up)
		VPSUBB(northWest, west, gradient)
		VPSUBB(gradient, up, gradient) // (value − N) − (W − NW)
		for k, residual := range []reg.VecVirtual{left, up, gradient} {
			VMOVDQU(residual, outs[k].Idx(i, 1))
			VPABSB(residual, residual)
			VPSADBW(zero, residual, residual)
			VPADDQ(residual, costs[k], costs[k])
		}
	})
	for k, cost := range costs {
		half, sum := XMM(), GP64()
		VPSRLDQ(Imm(8), cost, half)
		VPADDQ(half, cost, cost)
		VMOVQ(cost, sum)
		Store(sum, ReturnIndex(k))
	}
	RET()
}

// mergeMask returns the shuffle that moves a colour's bytes to their positions in one
// third of the output, and writes 0 (index 0x80) elsewhere.
func mergeMask(out, colour int) Mem {
	names := []string{"red", "green", "blue"}
	return bytes16(fmt.Sprint(names[colour], out), func(k int) byte {
		if at := 16*out + k; at%3 == colour {
			return byte(at / 3)
		}
		return 0x80
	})
}

// splitMask returns the shuffle that moves a colour's bytes from one third of the input
// to their positions, and writes 0 (index 0x80) elsewhere.
func splitMask(in, colour int) Mem {
	names := []string{"splitRed", "splitGreen", "splitBlue"}
	return bytes16(fmt.Sprint(names[colour], in), func(k int) byte {
		if at := 3*k + colour; at/16 == in {
			return byte(at % 16)
		}
		return 0x80
	})
}

// bytes16 is a constant of 16 bytes.
func bytes16(name string, value func(k int) byte) Mem {
	constant := GLOBL(name, RODATA|NOPTR)
	for k := range 16 {
		DATA(k, U8(value(k)))
	}
	return constant
}
