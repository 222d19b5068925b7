package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
)

// pool writes max-pooling of stride 2.
func pool() {
	TEXT("maxPoolAVX2", NOSPLIT, "func(x *float32, stride, size int, y *float32, at *byte, n int)")
	Doc("maxPoolAVX2 pools one row of n ≥ 8 outputs, windows of size×size every 2 columns,",
		"from rows that lie stride apart: y is the maximum and at its position. It reads",
		"up to one float beyond the last window.")
	Pragma("noescape")
	x := Load(Param("x"), GP64())
	stride := Load(Param("stride"), GP64())
	size := Load(Param("size"), GP64())
	y := Load(Param("y"), GP64())
	at := Load(Param("at"), GP64())
	n := Load(Param("n"), GP64())
	SHLQ(U8(2), stride)
	one, lowest := YMM(), YMM()
	VPCMPEQD(one, one, one)
	VPSRLD(U8(31), one, one)
	bits := GP32()
	MOVL(U32(0xff800000), bits) // −∞
	VMOVD(bits, lowest.AsX())
	VPBROADCASTD(lowest.AsX(), lowest)

	Comment("The last group of eight starts at n−8 and may repeat outputs.")
	last, i := GP64(), GP64()
	LEAQ(Mem{Base: n}.Offset(-8), last)
	XORQ(i, i)
	Label("outputs")
	row, ky := GP64(), GP64()
	LEAQ(Mem{Base: x, Index: i, Scale: 8}, row)
	MOVQ(size, ky)
	best, position, here := YMM(), YMM(), YMM()
	VMOVAPS(lowest, best)
	VPXOR(position, position, position)
	VPXOR(here, here, here)
	Label("rows")
	p, kx := GP64(), GP64()
	MOVQ(row, p)
	MOVQ(size, kx)
	Label("columns")
	v, w, free := YMM(), YMM(), YMM()
	VMOVUPS(Mem{Base: p}, v)
	VSHUFPS(U8(0x88), Mem{Base: p}.Offset(32), v, v) // even: 0 2 8 10 | 4 6 12 14
	VPERMPD(U8(0xd8), v, v)                          // 0 2 4 6 | 8 10 12 14
	VCMPPS(U8(ordered), best, best, free)
	VCMPPS(U8(notLessEqual), best, v, w)
	VANDPS(free, w, w)
	VBLENDVPS(w, v, best, best)
	VBLENDVPS(w, here, position, position)
	VPADDD(one, here, here)
	ADDQ(I8(4), p)
	DECQ(kx)
	JNZ(LabelRef("columns"))
	ADDQ(stride, row)
	DECQ(ky)
	JNZ(LabelRef("rows"))

	VMOVUPS(best, Mem{Base: y, Index: i, Scale: 4})
	TESTQ(at, at)
	JZ(LabelRef("next"))
	high := XMM()
	VEXTRACTI128(U8(1), position, high)
	VPACKSSDW(high, position.AsX(), high)
	VPACKUSWB(high, high, high)
	VMOVQ(high, Mem{Base: at, Index: i, Scale: 1})

	Label("next")
	CMPQ(i, last)
	JGE(LabelRef("end"))
	ADDQ(I8(8), i)
	CMPQ(i, last)
	JLE(LabelRef("outputs"))
	MOVQ(last, i)
	JMP(LabelRef("outputs"))
	Label("end")
	VZEROUPPER()
	RET()
}
