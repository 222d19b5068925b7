package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// pack writes the copies that put operands into the order of the matrix kernels.
func pack() {
	packPanels()
	if isa == avx512 {
		return // the others don't gain from longer vectors
	}
	packCopy()
	packTranspose()
	split(2)
	split(4)
}

// packCopy writes rows of B from rows of an image.
func packCopy() {
	TEXT("packCopyAVX2", NOSPLIT, "func(dst *float32, ld int, src *float32, offsets *int, k int, runs, length, stride int)")
	Doc("packCopyAVX2 copies, for each of k offsets, runs of length floats that lie",
		"stride apart in src+offset, one behind the other into a row of dst; rows are ld",
		"apart. It reads and writes up to 7 floats beyond the end of each run.")
	Pragma("noescape")
	dst := Load(Param("dst"), GP64())
	ld := Load(Param("ld"), GP64())
	src := Load(Param("src"), GP64())
	offsets := Load(Param("offsets"), GP64())
	k := Load(Param("k"), GP64())
	length := Load(Param("length"), GP64())
	stride := Load(Param("stride"), GP64())
	SHLQ(U8(2), ld)
	SHLQ(U8(2), stride)
	SHLQ(U8(2), length)

	Label("row")
	from, to, runs := GP64(), GP64(), GP64()
	MOVQ(Mem{Base: offsets}, from)
	LEAQ(Mem{Base: src, Index: from, Scale: 4}, from)
	MOVQ(dst, to)
	Load(Param("runs"), runs)

	Label("run")
	at := GP64()
	XORQ(at, at)
	v := YMM()
	Label("piece")
	VMOVUPS(Mem{Base: from, Index: at, Scale: 1}, v)
	VMOVUPS(v, Mem{Base: to, Index: at, Scale: 1})
	ADDQ(I8(32), at)
	CMPQ(at, length)
	JLT(LabelRef("piece"))
	ADDQ(stride, from)
	ADDQ(length, to)
	DECQ(runs)
	JNZ(LabelRef("run"))

	ADDQ(ld, dst)
	ADDQ(I8(8), offsets)
	DECQ(k)
	JNZ(LabelRef("row"))
	VZEROUPPER()
	RET()
}

// packTranspose writes eight columns of a packed operand from eight rows.
func packTranspose() {
	TEXT("packTransposeAVX2", NOSPLIT, "func(dst *float32, ld int, src *float32, offsets *int, runs, length, stride int)")
	Doc("packTransposeAVX2 is packCopyAVX2 for eight offsets at a time, turned: what the",
		"offset number i yields becomes column i of dst, whose rows are ld apart. It",
		"reads up to 7 floats beyond the end of each run, and writes as many rows beyond",
		"the last one.")
	Pragma("noescape")
	dst := Load(Param("dst"), GP64())
	ld := Load(Param("ld"), GP64())
	src := Load(Param("src"), GP64())
	offsets := Load(Param("offsets"), GP64())
	SHLQ(U8(2), ld)
	ld3 := GP64()
	LEAQ(Mem{Base: ld, Index: ld, Scale: 2}, ld3)
	rows := make([]reg.GPVirtual, 8)
	for i := range rows {
		rows[i] = GP64()
		MOVQ(Mem{Base: offsets}.Offset(8*i), rows[i])
		LEAQ(Mem{Base: src, Index: rows[i], Scale: 4}, rows[i])
	}

	Label("run")
	at := GP64()
	XORQ(at, at)
	to := offsets // no longer needed
	MOVQ(dst, to)
	Label("piece")
	x := make([]reg.VecVirtual, 8)
	// Rows i and i+4 share a register, so that the rest is a transpose of 4×4 blocks within
	// each half. Done for columns 0–3, then for 4–7.
	for half := 0; half < 2; half++ {
		for i := range 4 {
			x[i] = YMM()
			VMOVUPS(Mem{Base: rows[i], Index: at, Scale: 1}.Offset(16*half), x[i].AsX())
			VINSERTF128(U8(1), Mem{Base: rows[i+4], Index: at, Scale: 1}.Offset(16*half), x[i], x[i])
		}
		lo01, hi01, lo23, hi23 := YMM(), YMM(), YMM(), YMM()
		VUNPCKLPS(x[1], x[0], lo01)
		VUNPCKHPS(x[1], x[0], hi01)
		VUNPCKLPS(x[3], x[2], lo23)
		VUNPCKHPS(x[3], x[2], hi23)
		for c := range 4 {
			y := YMM()
			a, b := lo01, lo23
			if c >= 2 {
				a, b = hi01, hi23
			}
			if c%2 == 0 {
				VSHUFPS(U8(0x44), b, a, y)
			} else {
				VSHUFPS(U8(0xee), b, a, y)
			}
			switch c {
			case 0:
				VMOVUPS(y, Mem{Base: to})
			case 1:
				VMOVUPS(y, Mem{Base: to, Index: ld, Scale: 1})
			case 2:
				VMOVUPS(y, Mem{Base: to, Index: ld, Scale: 2})
			case 3:
				VMOVUPS(y, Mem{Base: to, Index: ld3, Scale: 1})
			}
		}
		LEAQ(Mem{Base: to, Index: ld, Scale: 4}, to)
	}
	ADDQ(I8(32), at)
	left := GP64()
	Load(Param("length"), left)
	SHLQ(U8(2), left)
	CMPQ(at, left)
	JLT(LabelRef("piece"))

	step := left
	Load(Param("length"), step)
	IMULQ(ld, step)
	ADDQ(step, dst)
	Load(Param("stride"), step)
	SHLQ(U8(2), step)
	for i := range rows {
		ADDQ(step, rows[i])
	}
	runs := step
	Load(Param("runs"), runs)
	DECQ(runs)
	Comment("The count lives in its argument's place: the registers are used up.")
	Store(runs, Param("runs"))
	JNZ(LabelRef("run"))
	VZEROUPPER()
	RET()
}

// packPanels writes panels of B from rows.
func packPanels() {
	name := "packPanels" + isa.suffix
	TEXT(name, NOSPLIT, "func(dst *float32, panel int, src *float32, ld int, k, panels int)")
	Doc(fmt.Sprintf("%s copies k rows, ld apart, into panels of %d columns that start panel", name, 2*isa.lanes),
		fmt.Sprintf("floats apart. It reads whole panels: up to %d floats beyond the end of a row.", 2*isa.lanes-1))
	Pragma("noescape")
	dst := Load(Param("dst"), GP64())
	panel := Load(Param("panel"), GP64())
	src := Load(Param("src"), GP64())
	ld := Load(Param("ld"), GP64())
	k := Load(Param("k"), GP64())
	SHLQ(U8(2), panel)
	SHLQ(U8(2), ld)
	Label("row")
	from, to, left := GP64(), GP64(), GP64()
	MOVQ(src, from)
	MOVQ(dst, to)
	Load(Param("panels"), left)
	Label("panel")
	lo, hi := V(), V()
	VMOVUPS(Mem{Base: from}, lo)
	VMOVUPS(Mem{Base: from}.Offset(width()), hi)
	VMOVUPS(lo, Mem{Base: to})
	VMOVUPS(hi, Mem{Base: to}.Offset(width()))
	ADDQ(imm(2*width()), from)
	ADDQ(panel, to)
	DECQ(left)
	JNZ(LabelRef("panel"))
	ADDQ(ld, src)
	ADDQ(imm(2*width()), dst)
	DECQ(k)
	JNZ(LabelRef("row"))
	VZEROUPPER()
	RET()
}

// split writes the split of a row into the pixels x ≡ 0, 1, … mod stride.
func split(stride int) {
	name := fmt.Sprintf("split%dAVX2", stride)
	TEXT(name, NOSPLIT, "func(dst, src *float32, phase int)")
	Doc(fmt.Sprintf("%s is dst[f·phase + i] = src[%d·i + f] for i below phase, which is at least 8.", name, stride))
	Pragma("noescape")
	dst := Load(Param("dst"), GP64())
	src := Load(Param("src"), GP64())
	phase := Load(Param("phase"), GP64())
	step := GP64()
	MOVQ(phase, step)
	SHLQ(U8(2), step)
	Comment("The last group of eight starts at phase−8 and may repeat others.")
	last, i := GP64(), GP64()
	LEAQ(Mem{Base: phase}.Offset(-8), last)
	XORQ(i, i)
	Label("group")
	from, to := GP64(), GP64()
	MOVQ(i, from)
	SHLQ(U8(uint8(map[int]int{2: 3, 4: 4}[stride])), from)
	ADDQ(src, from)
	LEAQ(Mem{Base: dst, Index: i, Scale: 4}, to)
	x := make([]reg.VecVirtual, stride)
	for j := range x {
		x[j] = YMM()
		VMOVUPS(Mem{Base: from}.Offset(32*j), x[j])
	}
	put := func(f int, v reg.VecVirtual) {
		VMOVUPS(v, Mem{Base: to})
		if f < stride-1 {
			ADDQ(step, to)
		}
	}
	if stride == 2 {
		for f, odd := range []uint8{0x88, 0xdd} {
			v := YMM()
			VSHUFPS(U8(odd), x[1], x[0], v) // 0 2 8 10 | 4 6 12 14
			VPERMPD(U8(0xd8), v, v)
			put(f, v)
		}
	} else {
		// Groups 0–3 go to the lower half, 4–7 to the upper; then a transpose of
		// 4×4 within each half.
		t := make([]reg.VecVirtual, 4)
		for j := range t {
			t[j] = YMM()
			VPERM2F128(U8([]uint8{0x20, 0x31}[j%2]), x[j/2+2], x[j/2], t[j])
		}
		lo01, lo23, hi01, hi23 := YMM(), YMM(), YMM(), YMM()
		VUNPCKLPS(t[1], t[0], lo01)
		VUNPCKLPS(t[3], t[2], lo23)
		VUNPCKHPS(t[1], t[0], hi01)
		VUNPCKHPS(t[3], t[2], hi23)
		for f := range 4 {
			v := YMM()
			a, b := lo01, lo23
			if f >= 2 {
				a, b = hi01, hi23
			}
			VSHUFPS(U8([]uint8{0x44, 0xee}[f%2]), b, a, v)
			put(f, v)
		}
	}
	CMPQ(i, last)
	JGE(LabelRef("end"))
	ADDQ(I8(8), i)
	CMPQ(i, last)
	JLE(LabelRef("group"))
	MOVQ(last, i)
	JMP(LabelRef("group"))
	Label("end")
	VZEROUPPER()
	RET()
}
