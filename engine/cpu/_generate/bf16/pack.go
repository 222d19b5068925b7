package main

// pack writes the kernels that put operands into the order of the products.
func pack() *file {
	f := newFile("pack")
	f.fn("turnPairsAVX512", "is turnPairs for 16 rows of 16·blocks pairs each.", "dst *uint32, ldd int, src *uint16, lds int, blocks int")
	f.load("dst", "DI", "ldd", "R8", "src", "SI", "lds", "R9", "blocks", "CX")
	f.label("block")
	f.op("MOVQ SI, AX")
	for r := range 16 {
		f.op("VMOVUPS (AX), Z%d", r)
		if r < 15 {
			f.op("ADDQ R9, AX")
		}
	}
	turn16(f)
	f.op("MOVQ DI, AX")
	for r, z := range turned {
		f.op("VMOVUPS Z%d, (AX)", z)
		if r < 15 {
			f.op("ADDQ R8, AX")
		}
	}
	f.op("ADDQ $64, SI")
	f.op("LEAQ (AX)(R8*1), DI")
	f.op("DECQ CX")
	f.op("JNZ block")
	f.end()

	f.fn("turnWordsAVX512", "is turnWords for 16 columns of 32·blocks rows each.", "dst *uint16, ldd int, src *uint16, lds int, blocks int")
	f.load("dst", "DI", "ldd", "R8", "src", "SI", "lds", "R9", "blocks", "CX")
	f.label("block")
	for r := range 16 {
		f.op("VPMOVZXWD (SI), Z%d", r)
		f.op("ADDQ R9, SI")
		f.op("VPMOVZXWD (SI), Z31")
		f.op("ADDQ R9, SI")
		f.op("VPSLLD $16, Z31, Z31")
		f.op("VPORD Z31, Z%d, Z%d", r, r)
	}
	turn16(f)
	f.op("MOVQ DI, AX")
	for r, z := range turned {
		f.op("VMOVUPS Z%d, (AX)", z)
		if r < 15 {
			f.op("ADDQ R8, AX")
		}
	}
	f.op("ADDQ $64, DI")
	f.op("DECQ CX")
	f.op("JNZ block")
	f.end()

	f.fn("interleaveAVX512", "is interleave for pairs of whole rows.", "dst *uint32, ldd int, src *uint16, lds int, pairs, n int")
	f.load("dst", "DI", "ldd", "R8", "src", "SI", "lds", "R9", "pairs", "R10", "n", "R11")
	f.rows("R10", []string{"DI", "R8", "R12", "R9", "SI", "R9", "SI", "R9"}, func() {
		f.op("LEAQ (SI)(R9*1), R12")
		f.op("MOVQ R11, CX")
		f.each(16, func(masked bool) {
			if masked {
				f.op("VPMOVZXWD.Z (SI)(AX*2), K1, Z0")
				f.op("VPMOVZXWD.Z (R12)(AX*2), K1, Z1")
			} else {
				f.op("VPMOVZXWD (SI)(AX*2), Z0")
				f.op("VPMOVZXWD (R12)(AX*2), Z1")
			}
			f.op("VPSLLD $16, Z1, Z1")
			f.op("VPORD Z1, Z0, Z0")
			f.store32(0, "(DI)(AX*4)", masked)
		})
	})
	f.end()
	return f
}

// turned lists the registers of the columns after turn16.
var turned [16]int

// turn16 transposes the 16×16 numbers in Z0–Z15.
func turn16(f *file) {
	// Pairs of rows, then pairs of pairs, within lanes of four.
	for i := range 8 {
		f.op("VUNPCKLPS Z%d, Z%d, Z%d", 2*i+1, 2*i, 16+2*i)
		f.op("VUNPCKHPS Z%d, Z%d, Z%d", 2*i+1, 2*i, 17+2*i)
	}
	// Z16+2i: rows 2i,2i+1, columns 0,1 of each lane; Z17+2i: columns 2,3.
	for q := range 4 {
		a, b := 16+4*q, 18+4*q
		f.op("VUNPCKLPD Z%d, Z%d, Z%d", b, a, 4*q)   // column 0 of each lane, rows 4q…
		f.op("VUNPCKHPD Z%d, Z%d, Z%d", b, a, 4*q+1) // column 1
		f.op("VUNPCKLPD Z%d, Z%d, Z%d", b+1, a+1, 4*q+2)
		f.op("VUNPCKHPD Z%d, Z%d, Z%d", b+1, a+1, 4*q+3)
	}
	// Z4q+c: lane l holds column 4l+c of rows 4q to 4q+3. Transpose the lanes.
	for c := range 4 {
		f.op("VSHUFF32X4 $0x88, Z%d, Z%d, Z%d", 4+c, c, 16)    // lanes 0, 2 of q 0 and of q 1
		f.op("VSHUFF32X4 $0xdd, Z%d, Z%d, Z%d", 4+c, c, 17)    // lanes 1, 3
		f.op("VSHUFF32X4 $0x88, Z%d, Z%d, Z%d", 12+c, 8+c, 18) // of q 2 and 3
		f.op("VSHUFF32X4 $0xdd, Z%d, Z%d, Z%d", 12+c, 8+c, 19)
		f.op("VSHUFF32X4 $0x88, Z18, Z16, Z%d", c)    // lane 0 of all: column c
		f.op("VSHUFF32X4 $0xdd, Z18, Z16, Z%d", 8+c)  // lane 2: column 8+c
		f.op("VSHUFF32X4 $0x88, Z19, Z17, Z%d", 4+c)  // lane 1
		f.op("VSHUFF32X4 $0xdd, Z19, Z17, Z%d", 12+c) // lane 3
	}
	for i := range turned {
		turned[i] = i
	}
}
