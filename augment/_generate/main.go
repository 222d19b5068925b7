// Command generate writes the assembly of mirror images, colour sums and planes.
package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

func main() {
	ConstraintExpr("amd64,!noasm")
	mirror()
	sums()
	planes()
	Generate()
}

// pointer loads the address of a slice parameter.
func pointer(name string) Mem { return Mem{Base: Load(Param(name).Base(), GP64())} }

// mirror reverses 16 pixels at a time. Of the 48 bytes that it reads for them,
// each 16 that it writes need two or three parts.
func mirror() {
	TEXT("mirrorAVX", NOSPLIT, "func(dst, src []byte)")
	Pragma("noescape")
	Doc("mirrorAVX is mirrorGo for a positive multiple of 16 pixels.")
	dst, src := pointer("dst"), pointer("src")
	type part struct {
		in   int // number of the 16 bytes of the source
		mask reg.VecVirtual
	}
	var parts [3][]part
	for out := range parts {
		for in := range 3 {
			if indexes, any := mirrorMask(out, in); any {
				p := part{in, XMM()}
				VMOVDQU(bytes16(fmt.Sprintf("mirror%d%d", out, in), indexes), p.mask)
				parts[out] = append(parts[out], p)
			}
		}
	}
	left, from := Load(Param("src").Len(), GP64()), GP64()
	XORQ(from, from)
	Label("loop")
	SUBQ(Imm(48), left)
	var in [3]reg.VecVirtual
	for i := range in {
		in[i] = XMM()
		VMOVDQU(src.Offset(16*i).Idx(from, 1), in[i])
	}
	for out := range parts {
		merged := XMM()
		for i, p := range parts[out] {
			if i == 0 {
				VPSHUFB(p.mask, in[p.in], merged)
				continue
			}
			shuffled := XMM()
			VPSHUFB(p.mask, in[p.in], shuffled)
			VPOR(shuffled, merged, merged)
		}
		VMOVDQU(merged, dst.Offset(16*out).Idx(left, 1))
	}
	ADDQ(Imm(48), from)
	TESTQ(left, left)
	JNZ(LabelRef("loop"))
	RET()
}

// mirrorMask returns the shuffle that moves bytes from one of the three 16-byte parts of
// the source to one of the result, and writes 0 (index 0x80) elsewhere. any reports
// whether it moves a byte. Byte k of the result is colour k%3 of pixel 15 − k/3.
func mirrorMask(out, in int) (mask [16]byte, any bool) {
	for i := range mask {
		k := 16*out + i
		from := 3*(15-k/3) + k%3
		mask[i] = 0x80
		if from/16 == in {
			mask[i], any = byte(from%16), true
		}
	}
	return mask, any
}

// sums splits 16 pixels into their colours, and adds up the bytes, and products of two
// bytes in 32 bits (two of them are at most 130,050).
func sums() {
	TEXT("sumsAVX2", NOSPLIT, "func(rgb []byte, sums *[3]uint64, products *[6][8]uint32)")
	Pragma("noescape")
	Doc("sumsAVX2 adds the colours of a positive multiple of 16 pixels, at most 500,000 pixels, to",
		"sums, and sets products to eight parts each of Σrr, Σrg, Σrb, Σgg, Σgb, Σbb.")
	rgb := pointer("rgb")
	n := Load(Param("rgb").Len(), GP64())
	var sum [3]reg.VecVirtual
	var product [6]reg.VecVirtual
	for i := range sum {
		sum[i] = XMM()
		VPXOR(sum[i], sum[i], sum[i])
	}
	for i := range product {
		product[i] = YMM()
		VPXOR(product[i], product[i], product[i])
	}
	at := GP64()
	XORQ(at, at)
	Label("sums")
	var colours [3]reg.VecVirtual // as words
	for colour := range colours {
		bytes := XMM()
		for in := range 3 {
			shuffled := bytes
			if in > 0 {
				shuffled = XMM()
			}
			VMOVDQU(rgb.Offset(16*in).Idx(at, 1), shuffled)
			VPSHUFB(bytes16(fmt.Sprintf("colour%d%d", colour, in), colourMask(colour, in)), shuffled, shuffled)
			if in > 0 {
				VPOR(shuffled, bytes, bytes)
			}
		}
		colours[colour] = YMM()
		VPMOVZXBW(bytes, colours[colour])
		zero := XMM()
		VPXOR(zero, zero, zero)
		VPSADBW(zero, bytes, bytes)
		VPADDQ(bytes, sum[colour], sum[colour])
	}
	i := 0
	for a := range 3 {
		for b := a; b < 3; b++ {
			two := YMM()
			VPMADDWD(colours[a], colours[b], two)
			VPADDD(two, product[i], product[i])
			i++
		}
	}
	ADDQ(Imm(48), at)
	CMPQ(at, n)
	JB(LabelRef("sums"))

	to := Mem{Base: Load(Param("sums"), GP64())}
	for i, s := range sum {
		high, total := XMM(), GP64()
		VPSRLDQ(Imm(8), s, high)
		VPADDQ(high, s, s)
		VMOVQ(s, total)
		ADDQ(total, to.Offset(8*i))
	}
	to = Mem{Base: Load(Param("products"), GP64())}
	for i, p := range product {
		VMOVDQU(p, to.Offset(32*i))
	}
	VZEROUPPER()
	RET()
}

// planes splits 16 pixels into their colours.
func planes() {
	TEXT("planesAVX", NOSPLIT, "func(red, green, blue *byte, rgb []byte)")
	Pragma("noescape")
	Doc("planesAVX is planesGo for a positive multiple of 16 pixels.")
	var to [3]Mem
	var masks [3][3]reg.VecVirtual
	for colour := range to {
		to[colour] = Mem{Base: Load(Param([]string{"red", "green", "blue"}[colour]), GP64())}
		for in := range masks[colour] {
			masks[colour][in] = XMM()
			VMOVDQU(bytes16(fmt.Sprintf("colour%d%d", colour, in), colourMask(colour, in)), masks[colour][in])
		}
	}
	rgb := pointer("rgb")
	left := Load(Param("rgb").Len(), GP64())
	at, from := GP64(), GP64()
	XORQ(at, at)
	XORQ(from, from)
	Label("planes")
	var in [3]reg.VecVirtual
	for i := range in {
		in[i] = XMM()
		VMOVDQU(rgb.Offset(16*i).Idx(from, 1), in[i])
	}
	for colour := range to {
		merged, shuffled := XMM(), XMM()
		VPSHUFB(masks[colour][0], in[0], merged)
		for i := 1; i < 3; i++ {
			VPSHUFB(masks[colour][i], in[i], shuffled)
			VPOR(shuffled, merged, merged)
		}
		VMOVDQU(merged, to[colour].Idx(at, 1))
	}
	ADDQ(Imm(16), at)
	ADDQ(Imm(48), from)
	CMPQ(from, left)
	JB(LabelRef("planes"))
	RET()
}

// colourMask returns the shuffle that moves the bytes of one colour from one of the three
// 16-byte parts of 16 pixels, and writes 0 elsewhere.
func colourMask(colour, in int) (mask [16]byte) {
	for pixel := range mask {
		mask[pixel] = 0x80
		if from := 3*pixel + colour; from/16 == in {
			mask[pixel] = byte(from % 16)
		}
	}
	return mask
}

var constants = map[string]Mem{}

// bytes16 is a constant of 16 bytes.
func bytes16(name string, value [16]byte) Mem {
	if m, ok := constants[name]; ok {
		return m
	}
	constants[name] = GLOBL(name, RODATA|NOPTR)
	for k, v := range value {
		DATA(k, U8(v))
	}
	return constants[name]
}
