package main

import "fmt"

// Offsets of the fields of Product.
const (
	fieldC, fieldLDC            = 0, 8
	fieldA, fieldLDA            = 16, 24
	fieldB, fieldLDB            = 32, 40
	fieldSegments, fieldCount   = 48, 56
	fieldPairs, fieldAccumulate = 64, 72
	fieldC2, fieldA2            = 80, 88
	fieldStep, fieldConfig      = 96, 104
)

// Heights of tiles, by their width in vectors of 16 columns. The sums fill 27 or 28
// registers; at most three hold a row of B, and two alternate for a pair of A.
var heights = map[int][]int{1: {14, 13, 12, 8, 4, 1}, 2: {14, 13, 12, 8, 4, 1}, 3: {9, 8, 7, 4, 1}}

func gemm() *file {
	f := newFile("gemm")
	for v := 1; v <= 3; v++ {
		for _, h := range heights[v] {
			gemmTile(f, h, v)
		}
	}
	peak(f)
	return f
}

// peak writes a loop of independent products on registers alone.
func peak(f *file) {
	f.fn("peakAVX512", "executes n turns of 28 instructions, each 16 sums of two products.", "n int")
	f.load("n", "CX")
	for i := range 32 {
		f.op("VPXORQ Z%d, Z%d, Z%d", i, i, i)
	}
	f.label("peak")
	for i := range 28 {
		f.dot(i, 28+i%2, 30)
	}
	f.op("DECQ CX")
	f.op("JNZ peak")
	f.end()
}

func gemmTile(f *file, rows, vectors int) {
	name := fmt.Sprintf("gemm%dx%dAVX512", rows, 16*vectors)
	f.fn(name, fmt.Sprintf("computes a tile of %d×%d.", rows, 16*vectors), "p *Product")
	f.load("p", "DI")
	field := func(at int, reg string) { f.op("MOVQ %d(DI), %s", at, reg) }
	field(fieldA, "AX")
	field(fieldLDA, "DX")
	field(fieldB, "R11")
	field(fieldLDB, "R12")
	field(fieldSegments, "R8")
	field(fieldCount, "R9")
	field(fieldPairs, "R10")
	f.op("LEAQ (DX)(DX*2), SI")
	row := func(r int) string {
		base := []string{"R13", "R14", "R15"}[r/5]
		return base + []string{"", "DX*1", "DX*2", "SI*1", "DX*4"}[r%5]
	}
	address := func(r int) string {
		s := row(r)
		if len(s) == 3 {
			return "(" + s + ")"
		}
		return "(" + s[:3] + ")(" + s[3:] + ")"
	}
	sum := func(r, v int) int { return r*vectors + v }
	b := func(v int) int { return 30 - vectors + v }
	for i := range rows * vectors {
		f.op("VPXORQ Z%d, Z%d, Z%d", i, i, i)
	}
	f.label("segment")
	f.op("MOVQ (R8), R13")
	f.op("ADDQ AX, R13")
	if rows > 5 {
		f.op("LEAQ (R13)(DX*4), R14")
		f.op("ADDQ DX, R14")
	}
	if rows > 10 {
		f.op("LEAQ (R14)(DX*4), R15")
		f.op("ADDQ DX, R15")
	}
	f.op("MOVQ 8(R8), BX")
	f.op("ADDQ R11, BX")
	f.op("MOVQ R10, CX")
	f.label("pair")
	for v := range vectors {
		f.op("VMOVUPS %d(BX), Z%d", 64*v, b(v))
	}
	for r := range rows {
		factor := 30 + r%2
		f.op("VPBROADCASTD %s, Z%d", address(r), factor)
		for v := range vectors {
			f.dot(sum(r, v), factor, b(v))
		}
	}
	f.op("ADDQ $4, R13")
	if rows > 5 {
		f.op("ADDQ $4, R14")
	}
	if rows > 10 {
		f.op("ADDQ $4, R15")
	}
	f.op("ADDQ R12, BX")
	f.op("DECQ CX")
	f.op("JNZ pair")
	f.op("ADDQ $16, R8")
	f.op("DECQ R9")
	f.op("JNZ segment")

	field(fieldLDC, "SI")
	field(fieldAccumulate, "CX")
	field(fieldC, "BX")
	f.op("TESTQ CX, CX")
	f.op("JZ overwrite")
	for r := range rows {
		for v := range vectors {
			f.op("VADDPS %d(BX), Z%d, Z%d", 64*v, sum(r, v), sum(r, v))
		}
		if r < rows-1 {
			f.op("ADDQ SI, BX")
		}
	}
	field(fieldC, "BX")
	f.label("overwrite")
	for r := range rows {
		for v := range vectors {
			f.op("VMOVUPS Z%d, %d(BX)", sum(r, v), 64*v)
		}
		if r < rows-1 {
			f.op("ADDQ SI, BX")
		}
	}
	f.end()
}
