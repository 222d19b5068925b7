// Command generate writes the AVX2 kernels of package resample:
//
//	cd pipeline/resample/_generate && go generate
//
// It has a module of its own so that avo is no dependency of the toolkit.
package main

//go:generate go run . -pkg resample -out ../kernel_amd64.s -stubs ../kernel_stubs_amd64.go

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
	convert()
	doubleRows()
	Generate()
}

// horizontal: an output is four taps at a time. The sixteen bytes from the
// first of four pixels on are shuffled to pairs of words, so that one multiply-add
// with the weights (w0 w1 w2 w3 in each half lane) gives, in 32 bits,
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

// horizontalPair: the first row in half lane 0 and the second in half lane 1,
// with red and green in one sum and blue in another. An addition of neighbours
// then gives r g b 0 in each.
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
	quarter := YMM() // of the unit: two sums are added; bits is 14 at the least
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

// vertical: 32 columns of two rows at a time, interleaved and widened to words.
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

// convert: sixteen pixels at a time. A product with a constant of 1 or more is
// split, so that what is left fits the words of a multiply-add with (Cb, Cr):
// 91881 = 65536 + 26345, −46802 = 18734 − 65536, 116130 = 2·65536 − 14942.
func convert() {
	TEXT("convertAVX2", NOSPLIT, "func(rgb, luma, blues, reds *byte, blocks int)")
	Doc("convertAVX2 is convertGo for blocks·16 pixels.")
	Pragma("noescape")
	rgb := Load(Param("rgb"), GP64())
	luma := Load(Param("luma"), GP64())
	blues := Load(Param("blues"), GP64())
	reds := Load(Param("reds"), GP64())
	blocks := Load(Param("blocks"), GP64())

	middle, half := YMM(), YMM() // 128 in words, 1<<15 in double words
	VPCMPEQW(middle, middle, middle)
	VPSRLW(U8(15), middle, middle)
	VPSLLW(U8(7), middle, middle)
	VPCMPEQD(half, half, half)
	VPSRLD(U8(31), half, half)
	VPSLLD(U8(15), half, half)

	Label("pixels")
	y, cb, cr, low, high := YMM(), YMM(), YMM(), YMM(), YMM()
	VPMOVZXBW(Mem{Base: luma}, y)
	VPMOVZXBW(Mem{Base: blues}, cb)
	VPMOVZXBW(Mem{Base: reds}, cr)
	VPSUBW(middle, cb, cb)
	VPSUBW(middle, cr, cr)
	VPUNPCKLWD(cr, cb, low)
	VPUNPCKHWD(cr, cb, high)
	part := func(name string, ofCb, ofCr int16) VecVirtual {
		factors, a, b := words(name, ofCb, ofCr), YMM(), YMM()
		VPMADDWD(factors, low, a)
		VPMADDWD(factors, high, b)
		for _, v := range []VecVirtual{a, b} {
			VPADDD(half, v, v)
			VPSRAD(U8(16), v, v)
		}
		VPACKSSDW(b, a, a)
		VPADDW(y, a, a)
		return a
	}
	r := part("red", 0, 26345)
	VPADDW(cr, r, r)
	g := part("green", -22554, 18734)
	VPSUBW(cr, g, g)
	b := part("blue", -14942, 0)
	VPADDW(cb, b, b)
	VPADDW(cb, b, b)

	// In each half lane eight reds and eight greens, and eight blues.
	VPACKUSWB(g, r, r)
	VPACKUSWB(b, b, b)
	out := []VecVirtual{YMM(), YMM()} // its bytes 0–15, and 16–23
	for i, o := range out {
		var fromRG, fromB []byte
		for j := range byte(16) {
			pixel, channel := (16*byte(i)+j)/3, (16*byte(i)+j)%3
			rg, blue := 8*channel+pixel, byte(zero)
			if channel == 2 {
				rg, blue = zero, pixel
			}
			if pixel > 7 {
				rg, blue = zero, zero
			}
			fromRG, fromB = append(fromRG, rg), append(fromB, blue)
		}
		t := YMM()
		VPSHUFB(bytes([]string{"rg0", "rg1"}[i], append(fromRG, fromRG...)...), r, o)
		VPSHUFB(bytes([]string{"b0", "b1"}[i], append(fromB, fromB...)...), b, t)
		VPOR(t, o, o)
	}
	VMOVDQU(out[0].AsX(), Mem{Base: rgb})
	VMOVQ(out[1].AsX(), Mem{Base: rgb, Disp: 16})
	VEXTRACTI128(U8(1), out[0], Mem{Base: rgb, Disp: 24})
	last := XMM()
	VEXTRACTI128(U8(1), out[1], last)
	VMOVQ(last, Mem{Base: rgb, Disp: 40})
	ADDQ(U8(48), rgb)
	ADDQ(U8(16), luma)
	ADDQ(U8(16), blues)
	ADDQ(U8(16), reds)
	DECQ(blocks)
	JNZ(LabelRef("pixels"))
	VZEROUPPER()
	RET()
}

// doubleRows: sixteen samples at a time, each with both its neighbours.
func doubleRows() {
	TEXT("doubleRowsAVX2", NOSPLIT, "func(out, this, near *byte, blocks int)")
	Doc("doubleRowsAVX2 is doubleRowsGo for blocks·16 samples from number 1 on. It reads one sample",
		"on either side of them.")
	Pragma("noescape")
	out := Load(Param("out"), GP64())
	this := Load(Param("this"), GP64())
	near := Load(Param("near"), GP64())
	blocks := Load(Param("blocks"), GP64())
	seven, eight := YMM(), YMM()
	VPCMPEQW(seven, seven, seven)
	VPSRLW(U8(15), seven, eight)
	VPSLLW(U8(3), eight, eight)
	VPADDW(seven, eight, seven)

	Label("samples")
	triple := func(v VecVirtual) VecVirtual {
		t := YMM()
		VPADDW(v, v, t)
		VPADDW(v, t, t)
		return t
	}
	var v [3]VecVirtual // before, at and after
	for i := range v {
		t, n := YMM(), YMM()
		VPMOVZXBW(Mem{Base: this, Disp: i}, t)
		VPMOVZXBW(Mem{Base: near, Disp: i}, n)
		v[i] = triple(t)
		VPADDW(n, v[i], v[i])
	}
	v[1] = triple(v[1])
	for i, half := range []VecVirtual{eight, seven} {
		VPADDW(v[1], v[2*i], v[2*i])
		VPADDW(half, v[2*i], v[2*i])
		VPSRLW(U8(4), v[2*i], v[2*i])
	}
	VPSLLW(U8(8), v[2], v[2])
	VPOR(v[2], v[0], v[0])
	VMOVDQU(v[0], Mem{Base: out, Disp: 2})
	ADDQ(U8(32), out)
	ADDQ(U8(16), this)
	ADDQ(U8(16), near)
	DECQ(blocks)
	JNZ(LabelRef("samples"))
	VZEROUPPER()
	RET()
}

// words returns 32 bytes of read-only memory that repeat a and b.
func words(name string, a, b int16) Mem {
	m := GLOBL(name, RODATA|NOPTR)
	for i := range 8 {
		DATA(4*i, I16(a))
		DATA(4*i+2, I16(b))
	}
	return m
}

// zero in a shuffle gives a zero byte.
const zero = 0x80

// bytes returns read-only memory that holds b.
func bytes(name string, b ...byte) Mem {
	m := GLOBL(name, RODATA|NOPTR)
	for i, v := range b {
		DATA(i, U8(v))
	}
	return m
}
