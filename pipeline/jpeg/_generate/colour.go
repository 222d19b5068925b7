package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// convert converts sixteen pixels at a time. A product with a constant of 1 or more is
// split so that the rest fits a word: 91881 = 65536 + 26345, −46802 = 18734 − 65536,
// 116130 = 2·65536 − 14942. Red and blue take one product each with half the constant,
// rounded by VPMULHRSW: 13172 gives the same results as 13172½ for every Cr.
func convert() {
	red, green, blue := words("red", 13172, 13172), words("green", -22554, 18734), words("blue", -7471, -7471)
	convertPixels("convertAVX2", false, red, green, blue)
	convertPixels("convertMirroredAVX2", true, red, green, blue)
}

func convertPixels(name string, mirrored bool, red, green, blue Mem) {
	TEXT(name, NOSPLIT, "func(rgb, luma, blues, reds *byte, blocks int)")
	if mirrored {
		Doc(name+" is convertGo for blocks·16 pixels in reverse order: luma, blues and", "reds are their last sixteen samples.")
	} else {
		Doc(name + " is convertGo for blocks·16 pixels.")
	}
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
	r, b := YMM(), YMM()
	VPMULHRSW(red, cr, r)
	VPADDW(y, r, r)
	VPADDW(cr, r, r)
	VPMADDWD(green, low, low)
	VPMADDWD(green, high, high)
	for _, v := range []VecVirtual{low, high} {
		VPADDD(half, v, v)
		VPSRAD(U8(16), v, v)
	}
	g := YMM()
	VPACKSSDW(high, low, g)
	VPADDW(y, g, g)
	VPSUBW(cr, g, g)
	VPMULHRSW(blue, cb, b)
	VPADDW(y, b, b)
	VPADDW(cb, b, b)
	VPADDW(cb, b, b)

	// Each half lane holds eight reds and eight greens, and eight blues.
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
			} else if mirrored {
				rg, blue = rg^7, blue^7 // zero indexes stay zero
			}
			fromRG, fromB = append(fromRG, rg), append(fromB, blue)
		}
		t := YMM()
		VPSHUFB(bytes(fmt.Sprint(name, "RG", i), append(fromRG, fromRG...)...), r, o)
		VPSHUFB(bytes(fmt.Sprint(name, "B", i), append(fromB, fromB...)...), b, t)
		VPOR(t, o, o)
	}
	first, second := 0, 24 // destinations of the half lanes
	step := ADDQ
	if mirrored {
		first, second, step = second, first, SUBQ
	}
	VMOVDQU(out[0].AsX(), Mem{Base: rgb, Disp: first})
	VMOVQ(out[1].AsX(), Mem{Base: rgb, Disp: first + 16})
	VEXTRACTI128(U8(1), out[0], Mem{Base: rgb, Disp: second})
	last := XMM()
	VEXTRACTI128(U8(1), out[1], last)
	VMOVQ(last, Mem{Base: rgb, Disp: second + 16})
	ADDQ(U8(48), rgb)
	step(U8(16), luma)
	step(U8(16), blues)
	step(U8(16), reds)
	DECQ(blocks)
	JNZ(LabelRef("pixels"))
	VZEROUPPER()
	RET()
}

// doubleRows doubles 32 samples at a time, each with both neighbours. The vertical
// products are of bytes with bytes: with 3·this + near for both samples, the result is
// (9·this + 3·this) + (3·near + near).
func doubleRows() {
	TEXT("doubleRowsAVX2", NOSPLIT, "func(out, this, near *byte, blocks int)")
	Doc("doubleRowsAVX2 is doubleRowsGo for blocks·32 samples from number 1 on. It reads one sample",
		"on either side of them.")
	Pragma("noescape")
	out := Load(Param("out"), GP64())
	this := Load(Param("this"), GP64())
	near := Load(Param("near"), GP64())
	blocks := Load(Param("blocks"), GP64())
	constant := func(m Mem) VecVirtual {
		v := YMM()
		VMOVDQU(m, v)
		return v
	}
	ofThis, ofNear := constant(words("ofThis", 9|3<<8, 9|3<<8)), constant(words("ofNear", 3|1<<8, 3|1<<8))
	sixteenth := constant(words("sixteenth", 1<<11, 1<<11)) // (x + 8) >> 4 by VPMULHRSW
	seven, odd := constant(words("seven", 7, 7)), constant(words("odd", -256, -256))

	Label("samples")
	t, n := YMM(), YMM()
	VMOVDQU(Mem{Base: this, Disp: 1}, t)
	VMOVDQU(Mem{Base: near, Disp: 1}, n)
	var v [2]VecVirtual // samples 0–7 and 16–23; 8–15 and 24–31
	for i, unpack := range []func(...Op){VPUNPCKLBW, VPUNPCKHBW} {
		sum := func(neighbour int) VecVirtual {
			a, b := YMM(), YMM()
			unpack(Mem{Base: this, Disp: neighbour}, t, a)
			unpack(Mem{Base: near, Disp: neighbour}, n, b)
			VPMADDUBSW(ofThis, a, a)
			VPMADDUBSW(ofNear, b, b)
			VPADDW(b, a, a)
			return a
		}
		before, after := sum(0), sum(2)
		VPMULHRSW(sixteenth, before, before)
		VPADDW(seven, after, after)
		VPSLLW(U8(4), after, after)
		VPAND(odd, after, after)
		VPOR(before, after, after)
		v[i] = after
	}
	first := YMM()
	VPERM2I128(U8(0x20), v[1], v[0], first)
	VPERM2I128(U8(0x31), v[1], v[0], v[0])
	VMOVDQU(first, Mem{Base: out, Disp: 2})
	VMOVDQU(v[0], Mem{Base: out, Disp: 34})
	ADDQ(U8(64), out)
	ADDQ(U8(32), this)
	ADDQ(U8(32), near)
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
