// Command generate writes the assembly of mirror images:
//
//	cd augment && go generate
//
// It has a module of its own, so that avo is no dependency of the toolkit.
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
		in   int // which 16 bytes of the source
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

// mirrorMask is the shuffle that takes from 16 bytes of the source what belongs
// to 16 bytes of the result, and zero (index 0x80) elsewhere; any: it isn't all
// zero. Byte k of the result is colour k%3 of pixel 15 − k/3.
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
