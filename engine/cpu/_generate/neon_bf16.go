package main

import "fmt"

// bf16Heights are the heights of tiles of bfloat16, by their width in vectors of 16
// columns: at most 24 registers of sums.
var bf16Heights = map[int][]int{1: {6, 4, 2, 1}, 2: {3, 2, 1}, 3: {2, 1}}

// neonBF16 writes the products of the set for bfloat16, on BFDOT.
func neonBF16() {
	a := new(arm)
	for vectors := 1; vectors <= 3; vectors++ {
		for _, height := range bf16Heights[vectors] {
			a.bf16Tile(height, vectors)
		}
	}
	args, _ := a.function("peak", "turns int", "executes 24 turns·BFDOT, each four sums of two products.")
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
		a.dot(s, x, y)
	}
	a.op("SUBS $1, %s", args[0])
	again("BNE")
	a.ret()
	a.write("bf16")
}

// dot adds to d the pairs of n times the first pair of m (BFDOT by element).
func (a *arm) dot(d, n, m vec) {
	a.op("WORD $0x%08x // BFDOT V%d.4S, V%d.8H, V%d.2H[0]", 0x4f40f000|uint32(m)<<16|uint32(n)<<5|uint32(d), d, n, m)
}

func (a *arm) bf16Tile(height, vectors int) {
	// Offsets of the fields of bf16.Product.
	const c, ldc, aa, lda, b, ldb, segments, count, pairs, accumulate = 0, 8, 16, 24, 32, 40, 48, 56, 64, 72
	args, _ := a.function(fmt.Sprintf("gemm%dx%d", height, 16*vectors), "p *Product", fmt.Sprintf("computes a tile of %d×%d.", height, 16*vectors))
	field := func(at int) string {
		r := a.reg()
		a.op("MOVD %d(%s), %s", at, args[0], r)
		return r
	}
	pa, step, pb, row, at, left := field(aa), field(lda), field(b), field(ldb), field(segments), field(count)
	sums := make([][]vec, height)
	for r := range sums {
		for range 4 * vectors {
			v := a.vec()
			a.zero(v)
			sums[r] = append(sums[r], v)
		}
	}
	var factor []vec
	var rows []string
	for range height {
		factor, rows = append(factor, a.vec()), append(rows, a.reg())
	}
	turns := []vec{a.vec(), a.vec()}
	from, n := a.reg(), a.reg()
	segment := a.loop()
	a.op("MOVD (%s), %s", at, rows[0])
	a.op("ADD %s, %s", pa, rows[0])
	for r := 1; r < height; r++ {
		a.op("ADD %s, %s, %s", step, rows[r-1], rows[r])
	}
	a.op("MOVD 8(%s), %s", at, from)
	a.op("ADD %s, %s", pb, from)
	a.op("MOVD %d(%s), %s", pairs, args[0], n)
	pair := a.loop()
	for r := range rows {
		a.op("FMOVS.P 4(%s), F%d", rows[r], factor[r])
	}
	for j := range 4 * vectors {
		a.load(turns[j%2], from, 16*j)
		for r := range sums {
			a.dot(sums[r][j], turns[j%2], factor[r])
		}
	}
	a.op("ADD %s, %s", row, from)
	a.op("SUBS $1, %s", n)
	pair("BNE")
	a.op("ADD $16, %s", at)
	a.op("SUBS $1, %s", left)
	segment("BNE")
	out, apart, add := field(c), field(ldc), field(accumulate)
	done := a.label()
	a.op("CBZ %s, %s", add, done)
	a.op("MOVD %s, %s", out, from)
	for r := range sums {
		for j, s := range sums[r] {
			a.load(turns[j%2], from, 16*j)
			a.add(s, turns[j%2], s)
		}
		a.op("ADD %s, %s", apart, from)
	}
	a.place(done)
	for r := range sums {
		for j, s := range sums[r] {
			a.store(s, out, 16*j)
		}
		a.op("ADD %s, %s", apart, out)
	}
	a.ret()
}
