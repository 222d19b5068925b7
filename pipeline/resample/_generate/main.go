// Command generate writes the AVX2 kernels of package resample.
package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

func main() {
	ConstraintExpr("!noasm")
	horizontal()
	horizontalPair()
	vertical()
	Generate()
}

// horizontal computes an output from four taps at a time. The sixteen bytes from the
// first of four pixels on are shuffled to pairs of words, so that one multiply-add with
// the weights (w0 w1 w2 w3 in each half lane) gives, in 32 bits,
//
//	lane 0: r0w0+r1w1  r2w2+r3w3  g0w0+g1w1  g2w2+g3w3
//	lane 1: b0w0+b1w1  b2w2+b3w3  0          0
func horizontal() {
	TEXT("horizontalAVX2", NOSPLIT, "func(out, line *byte, first *int32, lo int, weights *int16, outputs, groups, bits int)")
	Doc("horizontalAVX2 is horizontalGo for groups·4 taps. It reads 4 bytes beyond the",
		"last tap's pixel and writes 1 byte beyond the last output.")
	Pragma("noescape")
	out := Load(Param("out"), GP64())
	line := Load(Param("line"), GP64())
	first := Load(Param("first"), GP64())
	lo := Load(Param("lo"), GP64())
	weights := Load(Param("weights"), GP64())
	outputs := Load(Param("outputs"), GP64())
	groups := Load(Param("groups"), GP64())

	bits := XMM()
	MOVQ(NewParamAddr("bits", 56), bits)
	shuffle := YMM()
	VMOVDQU(bytes("shuffle", append(redGreen, blue...)...), shuffle)
	half := YMM()
	ones := bytes("ones",
		1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0,
		1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
	VMOVDQU(ones, half)
	VPSLLD(bits, half, half)
	VPSRLD(U8(1), half, half)

	Label("pixel")
	at := GP64()
	MOVLQSX(Mem{Base: first}, at)
	SUBQ(lo, at)
	LEAQ(Mem{Base: at, Index: at, Scale: 2}, at)
	ADDQ(line, at)
	sum := YMM()
	VMOVDQA(half, sum)
	left := GP64()
	MOVQ(groups, left)

	Label("group")
	pixels, w := YMM(), YMM()
	VBROADCASTI128(Mem{Base: at}, pixels)
	VPSHUFB(shuffle, pixels, pixels)
	VPBROADCASTQ(Mem{Base: weights}, w)
	VPMADDWD(w, pixels, pixels)
	VPADDD(pixels, sum, sum)
	ADDQ(U8(12), at)
	ADDQ(U8(8), weights)
	DECQ(left)
	JNZ(LabelRef("group"))

	upper := XMM()
	VPHADDD(sum, sum, sum)
	VEXTRACTI128(U8(1), sum, upper)
	rgb := sum.AsX()
	VPUNPCKLQDQ(upper, rgb, rgb)
	VPSRAD(bits, rgb, rgb)
	VPACKSSDW(rgb, rgb, rgb)
	VPACKUSWB(rgb, rgb, rgb)
	VMOVD(rgb, Mem{Base: out})
	ADDQ(U8(3), out)
	ADDQ(U8(4), first)
	DECQ(outputs)
	JNZ(LabelRef("pixel"))
	VZEROUPPER()
	RET()
}

// redGreen and blue make words of four pixels' bytes.
var (
	redGreen = []byte{0, zero, 3, zero, 6, zero, 9, zero, 1, zero, 4, zero, 7, zero, 10, zero}
	blue     = []byte{2, zero, 5, zero, 8, zero, 11, zero, zero, zero, zero, zero, zero, zero, zero, zero}
)

// horizontalPair has the first row in half lane 0 and the second in half lane 1, with red
// and green in one sum and blue in another. An addition of neighbours then gives r g b 0
// in each.
func horizontalPair() {
	TEXT("horizontalPairAVX2", NOSPLIT, "func(out0, out1, line0, line1 *byte, first *int32, lo int, weights *int16, outputs, groups, bits int)")
	Doc("horizontalPairAVX2 is horizontalAVX2 for two rows, but writes 1 byte beyond the",
		"last output of out1 only.")
	Pragma("noescape")
	outs := []Register{Load(Param("out0"), GP64()), Load(Param("out1"), GP64())}
	lines := []Register{Load(Param("line0"), GP64()), Load(Param("line1"), GP64())}
	first := Load(Param("first"), GP64())
	lo := Load(Param("lo"), GP64())
	weights := Load(Param("weights"), GP64())
	outputs := Load(Param("outputs"), GP64())
	groups := Load(Param("groups"), GP64())

	bits := XMM()
	MOVQ(NewParamAddr("bits", 72), bits)
	toRG, toB, half := YMM(), YMM(), YMM()
	VMOVDQU(bytes("pairRG", append(redGreen, redGreen...)...), toRG)
	VMOVDQU(bytes("pairB", append(blue, blue...)...), toB)
	VPCMPEQD(half, half, half)
	VPSRLD(U8(31), half, half)
	VPSLLD(bits, half, half)
	VPSRLD(U8(1), half, half)
	quarter := YMM() // a quarter of the rounding unit, since two sums are added; bits is at least 14
	VPSRLD(U8(1), half, quarter)

	Label("pixel")
	at, left := GP64(), GP64()
	MOVLQSX(Mem{Base: first}, at)
	SUBQ(lo, at)
	LEAQ(Mem{Base: at, Index: at, Scale: 2}, at)
	rg, b := YMM(), YMM()
	VMOVDQA(quarter, rg)
	VMOVDQA(quarter, b)
	MOVQ(groups, left)

	Label("group")
	pixels, part, w := YMM(), YMM(), YMM()
	VMOVDQU(Mem{Base: lines[0], Index: at, Scale: 1}, pixels.AsX())
	VINSERTI128(U8(1), Mem{Base: lines[1], Index: at, Scale: 1}, pixels, pixels)
	VPBROADCASTQ(Mem{Base: weights}, w)
	VPSHUFB(toRG, pixels, part)
	VPSHUFB(toB, pixels, pixels)
	VPMADDWD(w, part, part)
	VPMADDWD(w, pixels, pixels)
	VPADDD(part, rg, rg)
	VPADDD(pixels, b, b)
	ADDQ(U8(12), at)
	ADDQ(U8(8), weights)
	DECQ(left)
	JNZ(LabelRef("group"))

	VPHADDD(b, rg, rg)
	VPSRAD(bits, rg, rg)
	VPACKSSDW(rg, rg, rg)
	VPACKUSWB(rg, rg, rg)
	VPEXTRW(U8(0), rg.AsX(), Mem{Base: outs[0]})
	VPEXTRB(U8(2), rg.AsX(), Mem{Base: outs[0], Disp: 2})
	upper := XMM()
	VEXTRACTI128(U8(1), rg, upper)
	VMOVD(upper, Mem{Base: outs[1]})
	ADDQ(U8(3), outs[0])
	ADDQ(U8(3), outs[1])
	ADDQ(U8(4), first)
	DECQ(outputs)
	JNZ(LabelRef("pixel"))
	VZEROUPPER()
	RET()
}

// vertical adds up 32 columns of two rows at a time, interleaved and widened to words.
func vertical() {
	TEXT("verticalAVX2", NOSPLIT, "func(out, rows *byte, stride int, weights *int16, blocks, pairs, bits int)")
	Doc("verticalAVX2 is verticalGo for blocks·32 columns and pairs·2 rows.")
	Pragma("noescape")
	out := Load(Param("out"), GP64())
	rows := Load(Param("rows"), GP64())
	stride := Load(Param("stride"), GP64())
	weights := Load(Param("weights"), GP64())
	blocks := Load(Param("blocks"), GP64())
	pairs := Load(Param("pairs"), GP64())

	bits := XMM()
	MOVQ(NewParamAddr("bits", 48), bits)
	half := YMM()
	VPCMPEQD(half, half, half)
	VPSRLD(U8(31), half, half)
	VPSLLD(bits, half, half)
	VPSRLD(U8(1), half, half)
	none := YMM()
	VPXOR(none, none, none)

	Label("block")
	at, w, left := GP64(), GP64(), GP64()
	MOVQ(rows, at)
	MOVQ(weights, w)
	MOVQ(pairs, left)
	sums := []VecVirtual{YMM(), YMM(), YMM(), YMM()} // columns 0–3 and 16–19, 4–7 and 20–23, …
	for _, s := range sums {
		VMOVDQA(half, s)
	}

	Label("pair")
	a, b, low, high, weight := YMM(), YMM(), YMM(), YMM(), YMM()
	VPBROADCASTD(Mem{Base: w}, weight)
	VMOVDQU(Mem{Base: at}, a)
	VMOVDQU(Mem{Base: at, Index: stride, Scale: 1}, b)
	LEAQ(Mem{Base: at, Index: stride, Scale: 2}, at)
	ADDQ(U8(4), w)
	VPUNPCKLBW(b, a, low)
	VPUNPCKHBW(b, a, high)
	for i, v := range []VecVirtual{low, high} {
		left, right := YMM(), YMM()
		VPUNPCKLBW(none, v, left)
		VPUNPCKHBW(none, v, right)
		VPMADDWD(weight, left, left)
		VPMADDWD(weight, right, right)
		VPADDD(left, sums[2*i], sums[2*i])
		VPADDD(right, sums[2*i+1], sums[2*i+1])
	}
	DECQ(left)
	JNZ(LabelRef("pair"))

	for _, s := range sums {
		VPSRAD(bits, s, s)
	}
	VPACKSSDW(sums[1], sums[0], sums[0])
	VPACKSSDW(sums[3], sums[2], sums[2])
	VPACKUSWB(sums[2], sums[0], sums[0])
	VMOVDQU(sums[0], Mem{Base: out})
	ADDQ(U8(32), out)
	ADDQ(U8(32), rows)
	DECQ(blocks)
	JNZ(LabelRef("block"))
	VZEROUPPER()
	RET()
}

// zero as an index of a shuffle gives a zero byte.
const zero = 0x80

// bytes returns read-only memory that holds b.
func bytes(name string, b ...byte) Mem {
	m := GLOBL(name, RODATA|NOPTR)
	for i, v := range b {
		DATA(i, U8(v))
	}
	return m
}
