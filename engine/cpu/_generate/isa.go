package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// instructions describes the instruction set of the kernels that a run writes, with
// vectors of lanes floats.
type instructions struct {
	suffix string // of the kernels' names
	lanes  int
	vector func() reg.VecVirtual
}

var (
	avx2   = &instructions{"AVX2", 8, YMM}
	avx512 = &instructions{"AVX512", 16, ZMM}
)

// isa holds the instructions of this run.
var isa = avx2

// width is the number of bytes of a vector.
func width() int { return 4 * isa.lanes }

// V is a vector register.
func V() reg.VecVirtual { return isa.vector() }

// zeros returns a register of zeros.
func zeros() reg.VecVirtual {
	x := V()
	VXORPS(x, x, x)
	return x
}

// ones returns a register whose bits are all set.
func ones() reg.VecVirtual {
	x := V()
	if isa == avx512 {
		VPTERNLOGD(U8(0xff), x, x, x)
	} else {
		VPCMPEQD(x, x, x)
	}
	return x
}

// broadcast fills a register with an argument of type float32.
func broadcast(name string) reg.VecVirtual {
	x := V()
	p, err := Param(name).Resolve()
	if err != nil {
		panic(err)
	}
	VBROADCASTSS(p.Addr, x)
	return x
}

// firstLanes returns a mask of the lanes below n, which is between 0 and 31.
func firstLanes(n reg.Register) reg.OpmaskVirtual {
	bits, count := GP32(), GP64()
	MOVQ(n, count)
	MOVL(U32(1), bits)
	one := bits
	out := GP32()
	SHLXL(count.As32(), one, out)
	DECL(out)
	k := K()
	KMOVW(out, k)
	return k
}

// imm returns the shortest signed immediate of n.
func imm(n int) Constant {
	if n < 128 {
		return I8(n)
	}
	return I32(n)
}

// lanesData writes a number for each lane: VPERMT2PS takes lane n of the first register,
// or lane n−16 of the second.
func lanesData(name string, f func(lane int) int) Mem {
	m := GLOBL(name, RODATA|NOPTR)
	for i := range isa.lanes {
		DATA(4*i, U32(f(i)))
	}
	return m
}
