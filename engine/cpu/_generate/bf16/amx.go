package main

import "fmt"

// Registers by their number in an instruction.
const (
	rax, rcx, rdx, rbx, rsi, rdi = 0, 1, 2, 3, 6, 7
)

// amx writes products on tiles: sums of 2×2 tiles, or fewer at the edges. A call loads
// the tile configuration and releases it before it returns, so goroutines may move to
// another thread between calls.
func amx() *file {
	f := newFile("amx")
	for _, groups := range []int{1, 2} {
		for _, vectors := range []int{1, 2} {
			amxTile(f, groups, vectors)
		}
	}
	f.fn("peakAMX", "executes n turns of four products of tiles.", "n int, config *[64]byte")
	f.load("n", "CX", "config", "AX")
	f.ldtilecfg(rax)
	for i := range 8 {
		f.tilezero(i)
	}
	f.label("peak")
	for i := range 4 {
		f.tdp(i, 4+i/2, 6+i%2)
	}
	f.op("DECQ CX")
	f.op("JNZ peak")
	f.tilerelease()
	f.op("RET")
	return f
}

func (f *file) ldtilecfg(base int) { f.bytes(0xc4, 0xe2, 0x78, 0x49, base) }
func (f *file) tilerelease()       { f.bytes(0xc4, 0xe2, 0x78, 0x49, 0xc0) }
func (f *file) tilezero(t int)     { f.bytes(0xc4, 0xe2, 0x7b, 0x49, 0xc0|t<<3) }

// tileload and tilestore move a tile whose rows start at base + displacement and are
// index bytes apart.
func (f *file) tileload(t, base, index, displacement int) {
	f.bytes(0xc4, 0xe2, 0x7b, 0x4b, 0x44|t<<3, index<<3|base, displacement)
}

func (f *file) tilestore(t, base, index, displacement int) {
	f.bytes(0xc4, 0xe2, 0x7a, 0x4b, 0x44|t<<3, index<<3|base, displacement)
}

// tdp is TDPBF16PS: tile d += tile a · tile b.
func (f *file) tdp(d, a, b int) { f.bytes(0xc4, 0xe2, 0x02|(^b&15)<<3, 0x5c, 0xc0|d<<3|a) }

// amxTile has sums in tiles 0 to 3, A in 4 and 5, B in 6 and 7.
func amxTile(f *file, groups, vectors int) {
	f.fn(fmt.Sprintf("amx%dx%d", groups, vectors), fmt.Sprintf("computes %d×%d tiles of sums.", groups, vectors), "p *Product")
	f.load("p", "R8")
	field := func(at int, reg string) { f.op("MOVQ %d(R8), %s", at, reg) }
	f.op("LEAQ %d(R8), AX", fieldConfig)
	f.ldtilecfg(rax)
	field(fieldC, "AX")
	field(fieldC2, "DX")
	field(fieldLDC, "BX")
	field(fieldAccumulate, "CX")
	eachSum := func(do func(t, base, displacement int)) {
		for g := range groups {
			for v := range vectors {
				do(2*g+v, []int{rax, rdx}[g], 64*v)
			}
		}
	}
	f.op("TESTQ CX, CX")
	f.op("JZ zero")
	eachSum(func(t, base, displacement int) { f.tileload(t, base, rbx, displacement) })
	f.op("JMP begin")
	f.label("zero")
	eachSum(func(t, _, _ int) { f.tilezero(t) })
	f.label("begin")
	field(fieldLDA, "BX")
	field(fieldLDB, "SI")
	field(fieldSegments, "R9")
	field(fieldCount, "R10")
	field(fieldStep, "R11")
	f.op("MOVQ R11, R12")
	f.op("IMULQ SI, R12") // bytes of B in a step
	f.op("SHLQ $2, R11")  // bytes of A
	f.label("segment")
	f.op("MOVQ (R9), CX")
	field(fieldA, "AX")
	f.op("ADDQ CX, AX")
	if groups > 1 {
		field(fieldA2, "DX")
		f.op("ADDQ CX, DX")
	}
	field(fieldB, "DI")
	f.op("ADDQ 8(R9), DI")
	field(fieldPairs, "CX")
	f.label("step")
	f.tileload(4, rax, rbx, 0)
	f.tileload(6, rdi, rsi, 0)
	f.tdp(0, 4, 6)
	if vectors > 1 {
		f.tileload(7, rdi, rsi, 64)
		f.tdp(1, 4, 7)
	}
	if groups > 1 {
		f.tileload(5, rdx, rbx, 0)
		f.tdp(2, 5, 6)
		if vectors > 1 {
			f.tdp(3, 5, 7)
		}
		f.op("ADDQ R11, DX")
	}
	f.op("ADDQ R11, AX")
	f.op("ADDQ R12, DI")
	f.op("SUBQ %d(R8), CX", fieldStep)
	f.op("JG step")
	f.op("ADDQ $16, R9")
	f.op("DECQ R10")
	f.op("JNZ segment")
	field(fieldC, "AX")
	field(fieldC2, "DX")
	field(fieldLDC, "BX")
	eachSum(func(t, base, displacement int) { f.tilestore(t, base, rbx, displacement) })
	f.tilerelease()
	f.op("RET")
}
