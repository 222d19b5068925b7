package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// gemm writes the matrix kernels, and a loop that measures the peak.
func gemm() {
	if isa == avx512 {
		gemmTile(12, 2)
		gemmTile(12, 1)
	} else {
		gemmTile(6, 2)
	}
	fmaPeak()
}

// unroll is the number of columns of A in one iteration of the kernel's loop.
const unroll = 4

// ahead is the prefetch distance of A in bytes. The weights of a convolution of one image
// come from memory, and a processor prefetches by itself only up to the end of a page of
// 4 KB.
const ahead = 3072

// gemmTile writes a kernel for a tile of rows × one or two vectors of columns; panels of
// B have two. With two vectors, the sums fill 2·rows vector registers. Two more hold a
// row of B, and two hold broadcast values of A in turns.
func gemmTile(rows, vectors int) {
	panel := 2 * isa.lanes
	columns := vectors * isa.lanes
	name := fmt.Sprintf("gemm%dx%d%s", rows, columns, isa.suffix)
	TEXT(name, NOSPLIT, "func(k int, a, b, c *float32, ldc int, accumulate bool)")
	Doc(fmt.Sprintf("%s computes C (%d×%d) = A·B, or += with accumulate.", name, rows, columns),
		fmt.Sprintf("A is packed as k columns of %d values, B as k rows of %d.", rows, panel))
	Pragma("noescape")
	k := Load(Param("k"), GP64())
	a := Load(Param("a"), GP64())
	b := Load(Param("b"), GP64())
	c := Load(Param("c"), GP64())
	ldc := Load(Param("ldc"), GP64())
	SHLQ(U8(2), ldc)
	bases := []reg.Register{c} // of every third row of C
	for len(bases) < rows/3 {
		next := GP64()
		LEAQ(Mem{Base: ldc, Index: ldc, Scale: 2}, next)
		ADDQ(bases[len(bases)-1], next)
		bases = append(bases, next)
	}
	row := func(r int) Mem {
		m := Mem{Base: bases[r/3]}
		if r%3 > 0 {
			m.Index, m.Scale = ldc, uint8(r%3)
		}
		return m
	}

	sums := make([][]reg.VecVirtual, rows)
	for r := range sums {
		sums[r] = make([]reg.VecVirtual, vectors)
		PREFETCHT0(row(r))
		for at := 63; at < 4*columns; at += 64 {
			PREFETCHT0(row(r).Offset(at))
		}
		for h := range sums[r] {
			sums[r][h] = zeros()
		}
	}
	row0 := make([]reg.VecVirtual, vectors) // of B
	for h := range row0 {
		row0[h] = V()
	}
	factor := [2]reg.VecVirtual{V(), V()}
	column := func(u int) {
		for h := range row0 {
			VMOVUPS(Mem{Base: b}.Offset(4*panel*u+h*width()), row0[h])
		}
		for r := range sums {
			f := factor[r%2]
			VBROADCASTSS(Mem{Base: a}.Offset(4*(u*rows+r)), f)
			for h := range row0 {
				VFMADD231PS(row0[h], f, sums[r][h])
			}
		}
	}

	left := GP64()
	MOVQ(k, left)
	SHRQ(U8(2), left)
	JZ(LabelRef("tail"))
	Label("loop")
	for u := range unroll {
		if 64*u < 4*unroll*rows {
			PREFETCHT0(Mem{Base: a}.Offset(ahead + 64*u))
		}
		column(u)
	}
	ADDQ(I32(4*panel*unroll), b)
	ADDQ(I32(4*unroll*rows), a)
	DECQ(left)
	JNZ(LabelRef("loop"))

	Label("tail")
	ANDQ(I8(unroll-1), k)
	JZ(LabelRef("store"))
	Label("single")
	column(0)
	ADDQ(imm(4*panel), b)
	ADDQ(I8(4*rows), a)
	DECQ(k)
	JNZ(LabelRef("single"))

	Label("store")
	flag := Load(Param("accumulate"), GP8())
	TESTB(flag, flag)
	JZ(LabelRef("overwrite"))
	for r := range sums {
		for h, s := range sums[r] {
			VADDPS(row(r).Offset(h*width()), s, s)
		}
	}
	Label("overwrite")
	for r := range sums {
		for h, s := range sums[r] {
			VMOVUPS(s, row(r).Offset(h*width()))
		}
	}
	VZEROUPPER()
	RET()
}

// fmaPeak writes a loop of independent multiply-adds on registers alone.
func fmaPeak() {
	TEXT("fmaPeak"+isa.suffix, NOSPLIT, "func(n int)")
	Doc(fmt.Sprintf("fmaPeak%s executes n turns of twelve multiply-adds of %d floats each.", isa.suffix, isa.lanes))
	n := Load(Param("n"), GP64())
	x := zeros()
	sums := make([]reg.VecVirtual, 12)
	for i := range sums {
		sums[i] = zeros()
	}
	Label("peak")
	for i := range sums {
		VFMADD231PS(x, x, sums[i])
	}
	DECQ(n)
	JNZ(LabelRef("peak"))
	VZEROUPPER()
	RET()
}
