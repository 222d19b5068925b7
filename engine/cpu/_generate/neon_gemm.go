package main

// gemm computes 8×12 results, which take 24 registers.
func (a *arm) gemm() {
	const mr, nr = 8, 12
	args, _ := a.function("gemm8x12", "k int, a, b, c *float32, ldc int, accumulate bool",
		"computes a tile C (8×12, row stride ldc) = A·B, or C += A·B, of A packed",
		"as k columns of 8 values and B as k rows of 12.")
	k, pa, pb, pc, ldc, accumulate := args[0], args[1], args[2], args[3], args[4], args[5]
	var b [3]vec
	var col [2]vec
	for i := range b {
		b[i] = a.vec()
	}
	for i := range col {
		col[i] = a.vec()
	}
	var c [mr][nr / 4]vec
	for i := range c {
		for j := range c[i] {
			c[i][j] = a.vec()
			a.zero(c[i][j])
		}
	}
	a.op("LSL $2, %s", ldc)
	again := a.loop()
	a.op("FLDPQ (%s), (F%d, F%d)", pa, col[0], col[1])
	a.op("FLDPQ (%s), (F%d, F%d)", pb, b[0], b[1])
	a.load(b[2], pb, 32)
	a.op("ADD $%d, %s", 4*mr, pa)
	a.op("ADD $%d, %s", 4*nr, pb)
	for i := range c {
		for j := range c[i] {
			a.mlaLane(c[i][j], b[j], col[i/4], i%4)
		}
	}
	a.op("SUBS $1, %s", k)
	again("BNE")
	put, done := a.label(), a.label()
	a.op("CBZ %s, %s", accumulate, put)
	row := a.reg()
	a.op("MOVD %s, %s", pc, row)
	for i := range c {
		for j := range c[i] {
			a.load(b[j], row, 16*j)
			a.add(c[i][j], b[j], c[i][j])
		}
		if i < mr-1 {
			a.op("ADD %s, %s", ldc, row)
		}
	}
	a.place(put)
	for i := range c {
		for j := range c[i] {
			a.store(c[i][j], pc, 16*j)
		}
		if i < mr-1 {
			a.op("ADD %s, %s", ldc, pc)
		}
	}
	a.place(done)
	a.ret()
}

// peak runs multiply-adds on registers alone.
func (a *arm) peak() {
	args, _ := a.function("fmaPeak", "turns int", "executes 24 multiply-adds of four floats a turn, turns times.")
	x, y := a.vec(), a.vec()
	a.zero(x)
	a.zero(y)
	var sums []vec
	for range 24 {
		sums = append(sums, a.vec())
		a.zero(sums[len(sums)-1])
	}
	again := a.loop()
	for _, s := range sums {
		a.mla(s, x, y)
	}
	a.op("SUBS $1, %s", args[0])
	again("BNE")
	a.ret()
}
