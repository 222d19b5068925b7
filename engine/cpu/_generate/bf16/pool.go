package main

// pool writes max-pooling of contiguous maps.
func pool() *file {
	f := newFile("pool")
	f.fn("maxPoolAVX512", "is MaxPool for a window of which rows and columns lie inside, the first of them at position first; skip is what a row's end leaves out.",
		"y *uint16, at *byte, x *uint16, pitch, step int, rows, columns, first, skip, n int")
	f.load("y", "DI", "at", "BX", "x", "SI", "pitch", "R8", "step", "R9", "n", "CX")
	f.op("MOVL $1, DX")
	f.op("VPBROADCASTD DX, Z8")
	f.op("VPBROADCASTD %s, Z9", f.arg("skip"))
	f.each(16, func(masked bool) {
		f.op("VPBROADCASTD %s, Z2", f.arg("first")) // the best's position
		f.op("VMOVDQA32 Z2, Z3")                    // the current one
		f.op("LEAQ (SI)(AX*2), R10")
		f.load16(0, "(R10)", masked)
		f.op("MOVQ %s, R11", f.arg("rows"))
		row, column := f.fresh("windowrow"), f.fresh("windowcolumn")
		f.label(row)
		f.op("MOVQ R10, R12")
		f.op("MOVQ %s, R13", f.arg("columns"))
		f.label(column)
		f.load16(1, "(R12)", masked)
		f.op("VCMPPS $0x07, Z0, Z0, K2")     // the best is a number
		f.op("VCMPPS $0x16, Z0, Z1, K2, K3") // and this is not less or equal
		f.op("VMOVAPS Z1, K3, Z0")
		f.op("VMOVDQA32 Z3, K3, Z2")
		f.op("VPADDD Z8, Z3, Z3")
		f.op("ADDQ R9, R12")
		f.op("DECQ R13")
		f.op("JNZ %s", column)
		f.op("VPADDD Z9, Z3, Z3")
		f.op("ADDQ R8, R10")
		f.op("DECQ R11")
		f.op("JNZ %s", row)
		f.op("VPSRLD $16, Z0, Z0") // exact: the value was bfloat16
		f.op("VPMOVDW Z0, Y0")
		f.op("VPMOVDB Z2, X2")
		if masked {
			f.op("VMOVDQU16 Y0, K1, (DI)(AX*2)")
		} else {
			f.op("VMOVDQU Y0, (DI)(AX*2)")
		}
		none := f.fresh("none")
		f.op("TESTQ BX, BX")
		f.op("JZ %s", none)
		if masked {
			f.op("VMOVDQU8 X2, K1, (BX)(AX*1)")
		} else {
			f.op("VMOVDQU X2, (BX)(AX*1)")
		}
		f.label(none)
	})
	f.end()

	f.fn("gatherAVX512", "is Gather.", "dx *uint16, dy *uint16, at *byte, sources *Source, count, n int")
	f.load("dx", "DI", "dy", "SI", "at", "BX", "sources", "R8", "n", "CX")
	f.each(16, func(masked bool) {
		f.op("VPXORQ Z0, Z0, Z0")
		f.op("MOVQ R8, R9")
		f.op("MOVQ %s, R10", f.arg("count"))
		loop, none := f.fresh("source"), f.fresh("sources")
		f.op("TESTQ R10, R10")
		f.op("JZ %s", none)
		f.label(loop)
		f.op("MOVQ (R9), R11") // remaining elements
		f.op("ADDQ AX, R11")
		f.op("VPBROADCASTB 8(R9), X2")
		if masked {
			f.op("VMOVDQU8.Z (BX)(R11*1), K1, X3")
			f.op("VPCMPEQB X2, X3, K1, K2")
		} else {
			f.op("VMOVDQU (BX)(R11*1), X3")
			f.op("VPCMPEQB X2, X3, K2")
		}
		f.op("VPMOVZXWD.Z (SI)(R11*2), K2, Z1")
		f.op("VPSLLD $16, Z1, Z1")
		f.op("VADDPS Z1, Z0, Z0")
		f.op("ADDQ $16, R9")
		f.op("DECQ R10")
		f.op("JNZ %s", loop)
		f.label(none)
		f.store16(0, 1, "(DI)(AX*2)", masked)
	})
	f.end()
	return f
}
