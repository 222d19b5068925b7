package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// gemm writes the matrix kernels and the loop that measures the peak they are
// held against.
func gemm() {
	gemmTile(6)
	fmaPeak()
}

// unroll is how many columns of A one turn of the kernel's loop consumes.
const unroll = 4

// gemmTile writes a kernel of rows×16: the sums fill 2·rows of the 16 vector
// registers, two hold a row of B and the remaining two take turns at one
// value of A, broadcast.
func gemmTile(rows int) {
	TEXT(fmt.Sprintf("gemm%dx16AVX2", rows), NOSPLIT, "func(k int, a, b, c *float32, ldc int, accumulate bool)")
	Doc(fmt.Sprintf("gemm%dx16AVX2 computes C (%d×16) = A·B, or += with accumulate.", rows, rows),
		fmt.Sprintf("A is packed as k columns of %d values, B as k rows of 16.", rows))
	Pragma("noescape")
	k := Load(Param("k"), GP64())
	a := Load(Param("a"), GP64())
	b := Load(Param("b"), GP64())
	c := Load(Param("c"), GP64())
	ldc := Load(Param("ldc"), GP64())
	SHLQ(U8(2), ldc)
	low := GP64() // row 3 of C
	LEAQ(Mem{Base: ldc, Index: ldc, Scale: 2}, low)
	ADDQ(c, low)

	row := func(r int) Mem {
		switch r {
		case 0:
			return Mem{Base: c}
		case 1:
			return Mem{Base: c, Index: ldc, Scale: 1}
		case 2:
			return Mem{Base: c, Index: ldc, Scale: 2}
		case 3:
			return Mem{Base: low}
		case 4:
			return Mem{Base: low, Index: ldc, Scale: 1}
		}
		return Mem{Base: low, Index: ldc, Scale: 2}
	}

	sums := make([][2]reg.VecVirtual, rows)
	for r := range sums {
		PREFETCHT0(row(r))
		PREFETCHT0(row(r).Offset(63))
		for h := range sums[r] {
			sums[r][h] = YMM()
			VXORPS(sums[r][h], sums[r][h], sums[r][h])
		}
	}
	b0, b1 := YMM(), YMM()
	factor := [2]reg.VecVirtual{YMM(), YMM()}
	column := func(u int) {
		VMOVUPS(Mem{Base: b}.Offset(64*u), b0)
		VMOVUPS(Mem{Base: b}.Offset(64*u+32), b1)
		for r := range sums {
			f := factor[r%2]
			VBROADCASTSS(Mem{Base: a}.Offset(4*(u*rows+r)), f)
			VFMADD231PS(b0, f, sums[r][0])
			VFMADD231PS(b1, f, sums[r][1])
		}
	}

	left := GP64()
	MOVQ(k, left)
	SHRQ(U8(2), left)
	JZ(LabelRef("tail"))
	Label("loop")
	for u := range unroll {
		column(u)
	}
	ADDQ(I32(64*unroll), b)
	ADDQ(I32(4*unroll*rows), a)
	DECQ(left)
	JNZ(LabelRef("loop"))

	Label("tail")
	ANDQ(I8(unroll-1), k)
	JZ(LabelRef("store"))
	Label("single")
	column(0)
	ADDQ(I8(64), b)
	ADDQ(I8(4*rows), a)
	DECQ(k)
	JNZ(LabelRef("single"))

	Label("store")
	flag := Load(Param("accumulate"), GP8())
	TESTB(flag, flag)
	JZ(LabelRef("overwrite"))
	for r := range sums {
		VADDPS(row(r), sums[r][0], sums[r][0])
		VADDPS(row(r).Offset(32), sums[r][1], sums[r][1])
	}
	Label("overwrite")
	for r := range sums {
		VMOVUPS(sums[r][0], row(r))
		VMOVUPS(sums[r][1], row(r).Offset(32))
	}
	VZEROUPPER()
	RET()
}

// fmaPeak writes a loop of independent multiply-adds on registers alone.
func fmaPeak() {
	TEXT("fmaPeakAVX2", NOSPLIT, "func(n int)")
	Doc("fmaPeakAVX2 executes n turns of twelve multiply-adds of eight floats each.")
	n := Load(Param("n"), GP64())
	x := YMM()
	VXORPS(x, x, x)
	sums := make([]reg.VecVirtual, 12)
	for i := range sums {
		sums[i] = YMM()
		VXORPS(sums[i], sums[i], sums[i])
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
