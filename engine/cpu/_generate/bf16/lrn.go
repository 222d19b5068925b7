package main

// lrn writes local response normalisation over neighbouring maps, which are contiguous.
// Rows of squares and of ratios have zeros around them, so that no window needs clipping.
func lrn() *file {
	f := newFile("lrn")
	f.fn("squaresAVX512", "is Squares.", "sq *float32, ldq int, x *uint16, ldx int, rows, n int")
	f.load("sq", "DI", "ldq", "R8", "x", "SI", "ldx", "R9", "rows", "R10", "n", "R11")
	f.rows("R10", []string{"DI", "R8", "SI", "R9"}, func() {
		f.op("MOVQ R11, CX")
		f.each(16, func(masked bool) {
			f.load16(0, "(SI)(AX*2)", masked)
			f.op("VMULPS Z0, Z0, Z0")
			f.store32(0, "(DI)(AX*4)", masked)
		})
	})
	f.end()

	f.fn("lrnForwardAVX512", "is LRNForward.", "y *uint16, x *uint16, ldx int, sq *float32, ldq int, rows, n, size int, k, alpha float32")
	f.load("y", "DI", "x", "SI", "ldx", "R9", "sq", "R12", "ldq", "R8", "rows", "R10", "n", "R11")
	f.broadcast("k", 10)
	f.broadcast("alpha", 11)
	f.rows("R10", []string{"DI", "R9", "SI", "R9", "R12", "R8"}, func() {
		f.op("MOVQ R11, CX")
		f.each(16, func(masked bool) {
			scale(f, "R12", masked)
			f.load16(4, "(SI)(AX*2)", masked)
			f.op("VDIVPS Z2, Z4, Z4")
			f.store16(4, 5, "(DI)(AX*2)", masked)
		})
	})
	f.end()

	f.fn("lrnTermsAVX512", "is LRNTerms.", "ratio, direct *float32, ldr int, x, dy *uint16, ldx int, sq *float32, ldq int, rows, n, size int, k, alpha float32")
	f.load("ratio", "DI", "direct", "BX", "ldr", "R14", "x", "SI", "dy", "R13", "ldx", "R9", "sq", "R12", "ldq", "R8", "rows", "R10", "n", "R11")
	f.broadcast("k", 10)
	f.broadcast("alpha", 11)
	f.rows("R10", []string{"DI", "R14", "BX", "R14", "SI", "R9", "R13", "R9", "R12", "R8"}, func() {
		f.op("MOVQ R11, CX")
		f.each(16, func(masked bool) {
			scale(f, "R12", masked)
			f.load16(4, "(R13)(AX*2)", masked)
			f.op("VDIVPS Z2, Z4, Z4")
			f.store32(4, "(BX)(AX*4)", masked)
			f.load16(5, "(SI)(AX*2)", masked)
			f.op("VMULPS Z4, Z5, Z5")
			f.op("VDIVPS Z0, Z5, Z5")
			f.store32(5, "(DI)(AX*4)", masked)
		})
	})
	f.end()

	f.fn("lrnCombineAVX512", "is LRNCombine.", "dx, x *uint16, ldx int, ratio, direct *float32, ldr int, rows, n, size int, factor float32")
	f.load("dx", "DI", "x", "SI", "ldx", "R9", "ratio", "R12", "direct", "BX", "ldr", "R14", "rows", "R10", "n", "R11")
	f.broadcast("factor", 10)
	f.rows("R10", []string{"DI", "R9", "SI", "R9", "R12", "R14", "BX", "R14"}, func() {
		f.op("MOVQ R11, CX")
		f.each(16, func(masked bool) {
			window(f, "R12", masked)
			f.load16(4, "(SI)(AX*2)", masked)
			f.op("VMULPS Z4, Z0, Z0")
			f.load32(5, "(BX)(AX*4)", masked)
			f.op("VFNMADD231PS Z10, Z0, Z5")
			f.store16(5, 6, "(DI)(AX*2)", masked)
		})
	})
	f.end()
	return f
}

// window adds up the size numbers from base + AX on: Z0.
func window(f *file, base string, masked bool) {
	loop := f.fresh("window")
	f.op("LEAQ (%s)(AX*4), R15", base)
	f.op("MOVQ %s, DX", f.arg("size"))
	f.op("VPXORQ Z0, Z0, Z0")
	f.label(loop)
	if masked {
		f.load32(1, "(R15)", true)
		f.op("VADDPS Z1, Z0, Z0")
	} else {
		f.op("VADDPS (R15), Z0, Z0")
	}
	f.op("ADDQ $4, R15")
	f.op("DECQ DX")
	f.op("JNZ %s", loop)
}

// scale computes s = k + alpha·Σ of the window in Z0, and s^¾ in Z2.
func scale(f *file, base string, masked bool) {
	window(f, base, masked)
	f.op("VFMADD213PS Z10, Z11, Z0")
	f.op("VSQRTPS Z0, Z1")
	f.op("VSQRTPS Z1, Z2")
	f.op("VMULPS Z1, Z2, Z2")
}
