package main

// vector writes the element-wise kernels.
func vector() *file {
	f := newFile("vector")

	f.fn("narrowAVX512", "is Narrow.", "dst *uint16, src *float32, n int")
	f.load("dst", "DI", "src", "SI", "n", "CX")
	f.each(16, func(masked bool) {
		f.load32(0, "(SI)(AX*4)", masked)
		f.store16(0, 1, "(DI)(AX*2)", masked)
	})
	f.end()

	f.fn("widenAVX512", "is Widen.", "dst *float32, src *uint16, n int")
	f.load("dst", "DI", "src", "SI", "n", "CX")
	f.each(16, func(masked bool) {
		f.load16(0, "(SI)(AX*2)", masked)
		f.store32(0, "(DI)(AX*4)", masked)
	})
	f.end()

	f.fn("finishAVX512", "is Finish; low is 0 for ReLU and −∞ without.", "y *uint16, ldy int, c *float32, ldc int, bias *float32, rows, n int, low float32")
	f.load("y", "DI", "ldy", "R8", "c", "SI", "ldc", "R9", "bias", "R10", "rows", "R11", "n", "R12")
	f.broadcast("low", 3)
	f.rows("R11", []string{"DI", "R8", "SI", "R9"}, func() {
		f.op("MOVQ R12, CX")
		f.op("XORQ AX, AX")
		two, rest := f.fresh("two"), f.fresh("rest")
		f.label(two)
		f.op("CMPQ CX, $32")
		f.op("JLT %s", rest)
		for i := range 2 {
			f.op("VMOVUPS %d(SI)(AX*4), Z%d", 64*i, i)
			f.op("VADDPS %d(R10)(AX*4), Z%d, Z%d", 64*i, i, i)
			f.op("VMAXPS Z%d, Z3, Z%d", i, i)
		}
		// VCVTNE2PS2BF16 would do both, but Bochs, which runs this in CI, computes it wrongly.
		f.narrow(0, 0)
		f.narrow(1, 1)
		f.op("VINSERTI64X4 $1, Y1, Z0, Z2")
		f.op("VMOVUPS Z2, (DI)(AX*2)")
		f.op("ADDQ $32, AX")
		f.op("SUBQ $32, CX")
		f.op("JMP %s", two)
		f.label(rest)
		f.rest(16, func(masked bool) {
			f.load32(0, "(SI)(AX*4)", masked)
			f.load32(1, "(R10)(AX*4)", masked)
			f.op("VADDPS Z1, Z0, Z0")
			f.op("VMAXPS Z0, Z3, Z0") // if one is NaN, the result is the second in Intel's order: Z0
			f.store16(0, 1, "(DI)(AX*2)", masked)
		})
	})
	f.end()

	f.fn("reluBackwardAVX512", "is ReLUBackward.", "y, dy, dx *uint16, n int")
	f.load("y", "SI", "dy", "R8", "dx", "DI", "n", "CX")
	f.op("VPXORQ Z4, Z4, Z4")
	f.op("MOVL $0x7f807f80, DX")
	f.op("VPBROADCASTD DX, Z5") // infinity; larger values are NaNs
	f.each(32, func(masked bool) {
		if masked {
			f.op("VMOVDQU16.Z (SI)(AX*2), K1, Z0")
			f.op("VMOVDQU16.Z (R8)(AX*2), K1, Z1")
		} else {
			f.op("VMOVDQU16 (SI)(AX*2), Z0")
			f.op("VMOVDQU16 (R8)(AX*2), Z1")
		}
		f.op("VPCMPGTW Z4, Z0, K2")
		f.op("VPCMPW $2, Z5, Z0, K2, K3")
		f.op("VMOVDQU16.Z Z1, K3, Z1")
		if masked {
			f.op("VMOVDQU16 Z1, K1, (DI)(AX*2)")
		} else {
			f.op("VMOVDQU16 Z1, (DI)(AX*2)")
		}
	})
	f.end()

	f.fn("addWideAVX512", "is AddWide.", "sum *float32, x *uint16, n int")
	f.load("sum", "DI", "x", "SI", "n", "CX")
	f.each(16, func(masked bool) {
		f.load16(0, "(SI)(AX*2)", masked)
		f.load32(1, "(DI)(AX*4)", masked)
		f.op("VADDPS Z0, Z1, Z1")
		f.store32(1, "(DI)(AX*4)", masked)
	})
	f.end()

	f.fn("scaleAVX512", "is Scale.", "y, x *uint16, n int, factor float32")
	f.load("y", "DI", "x", "SI", "n", "CX")
	f.broadcast("factor", 2)
	f.each(16, func(masked bool) {
		f.load16(0, "(SI)(AX*2)", masked)
		f.op("VMULPS Z2, Z0, Z0")
		f.store16(0, 1, "(DI)(AX*2)", masked)
	})
	f.end()

	f.fn("columnSumsAVX512", "adds rows, four at a time in sums of their own; rows is a multiple of 4.", "sum *float32, x *uint16, ld int, rows, n int")
	f.load("sum", "DI", "x", "SI", "ld", "R8", "rows", "R9", "n", "CX")
	f.op("LEAQ (R8)(R8*2), R12")
	f.each(16, func(masked bool) {
		for i := range 4 {
			f.op("VPXORQ Z%d, Z%d, Z%d", i, i, i)
		}
		f.op("MOVQ R9, R10")
		f.op("LEAQ (SI)(AX*2), R11")
		loop := f.fresh("sum")
		f.label(loop)
		for i, at := range []string{"(R11)", "(R11)(R8*1)", "(R11)(R8*2)", "(R11)(R12*1)"} {
			f.load16(4+i, at, masked)
			f.op("VADDPS Z%d, Z%d, Z%d", 4+i, i, i)
		}
		f.op("LEAQ (R11)(R8*4), R11")
		f.op("SUBQ $4, R10")
		f.op("JNZ %s", loop)
		f.op("VADDPS Z1, Z0, Z0")
		f.op("VADDPS Z3, Z2, Z2")
		f.op("VADDPS Z2, Z0, Z0")
		f.load32(4, "(DI)(AX*4)", masked)
		f.op("VADDPS Z0, Z4, Z4")
		f.store32(4, "(DI)(AX*4)", masked)
	})
	f.end()

	f.fn("updateAVX512", "is Update.", "high, low *uint16, v, grad *float32, n int, momentum, decay, rate float32")
	f.load("high", "DI", "low", "SI", "v", "R8", "grad", "R9", "n", "CX")
	f.broadcast("momentum", 8)
	f.broadcast("decay", 9)
	f.broadcast("rate", 10)
	f.op("MOVL $0x8000, DX")
	f.op("VPBROADCASTD DX, Z11")
	f.each(16, func(masked bool) {
		f.load16(0, "(DI)(AX*2)", masked)
		if masked {
			f.op("VPMOVSXWD.Z (SI)(AX*2), K1, Z1")
		} else {
			f.op("VPMOVSXWD (SI)(AX*2), Z1")
		}
		f.op("VPADDD Z1, Z0, Z0")
		f.load32(2, "(R8)(AX*4)", masked)
		f.load32(3, "(R9)(AX*4)", masked)
		f.op("VMULPS Z2, Z8, Z2")
		f.op("VFNMADD231PS Z9, Z0, Z2")
		f.op("VFNMADD231PS Z10, Z3, Z2")
		f.store32(2, "(R8)(AX*4)", masked)
		f.op("VADDPS Z2, Z0, Z0")
		f.op("VPADDD Z11, Z0, Z1")
		f.op("VPSRLD $16, Z1, Z1")
		f.op("VPMOVDW Z1, Y1")
		f.op("VPMOVDW Z0, Y0")
		if masked {
			f.op("VMOVDQU16 Y1, K1, (DI)(AX*2)")
			f.op("VMOVDQU16 Y0, K1, (SI)(AX*2)")
		} else {
			f.op("VMOVDQU Y1, (DI)(AX*2)")
			f.op("VMOVDQU Y0, (SI)(AX*2)")
		}
	})
	f.end()

	f.fn("inputAVX512", "is Input for n a multiple of 48; colour holds 48 numbers.", "y *uint16, pixels *byte, mean, colour *float32, n int, scale float32")
	f.load("y", "DI", "pixels", "SI", "mean", "R8", "colour", "R9", "n", "CX")
	f.broadcast("scale", 6)
	for i := range 3 {
		f.op("VMOVUPS %d(R9), Z%d", 64*i, 7+i)
	}
	f.label("triple")
	for i := range 3 {
		f.op("VPMOVZXBD %d(SI), Z0", 16*i)
		f.op("VCVTDQ2PS Z0, Z0")
		f.op("VADDPS Z%d, Z0, Z0", 7+i)
		f.op("VSUBPS %d(R8), Z0, Z0", 64*i)
		f.op("VMULPS Z6, Z0, Z0")
		f.narrow(1, 0)
		f.op("VMOVDQU Y1, %d(DI)", 32*i)
	}
	f.op("ADDQ $96, DI")
	f.op("ADDQ $48, SI")
	f.op("ADDQ $192, R8")
	f.op("SUBQ $48, CX")
	f.op("JNZ triple")
	f.end()
	return f
}
