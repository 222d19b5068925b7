package main

import (
	"fmt"
	"math"
	"slices"
)

// armSum is an unfinished sum of terms, rounded after every product and every addition.
// If negative is set, it holds the negated sum, which has the same rounding.
type armSum struct {
	a        *arm
	factors  map[float64]vec
	v        vec
	begun    bool
	negative bool
}

// add adds coefficient·x. x may be overwritten if own.
func (s *armSum) add(coefficient float64, x vec) {
	if coefficient == 0 {
		return
	}
	a, term, negative := s.a, x, coefficient < 0
	if c := math.Abs(coefficient); c != 1 {
		product := a.vec()
		a.mul(product, x, s.factors[c])
		if !s.begun {
			s.v, s.begun, s.negative = product, true, negative
			return
		}
		term = product
		defer a.free(product)
	}
	switch {
	case !s.begun:
		s.v, s.begun, s.negative = a.vec(), true, negative
		a.op("VORR V%d.B16, V%d.B16, V%d.B16", term, term, s.v)
	case s.negative == negative:
		a.add(s.v, s.v, term)
	case negative:
		a.sub(s.v, s.v, term)
	default:
		a.sub(s.v, term, s.v)
		s.negative = false
	}
}

// value returns the register of the sum.
func (s *armSum) value() vec {
	if s.negative {
		s.a.negate(s.v, s.v)
		s.negative = false
	}
	return s.v
}

// factorsOf loads a matrix's coefficients other than 0, 1 and −1.
func (a *arm) factorsOf(m [][]float64, scratch string) map[float64]vec {
	f := map[float64]vec{}
	for _, c := range slices.Concat(m...) {
		c = math.Abs(c)
		if _, ok := f[c]; !ok && c != 0 && c != 1 {
			f[c] = a.vec()
			a.constant(f[c], float32(c), scratch)
		}
	}
	return f
}

// winograd writes a filter's transforms; see winograd.go.
func (a *arm) winograd(f *filter) {
	side, size := f.Side(), f.Size()
	name := func(what string) string { return fmt.Sprintf("winograd%s%d", what, size) }
	shift := func(registers ...string) {
		for _, r := range registers {
			a.op("LSL $2, %s", r)
		}
	}
	const tiles = "v *float32, plane int, x *float32, pitch, phase, rows, tiles int"
	// rowsOfTiles writes a loop over rows of tiles, four tiles at a time.
	rowsOfTiles := func(v, x, pitch, rows, tiles, at string, body func()) {
		eachRow := a.loop()
		a.op("MOVD $0, %s", at)
		each := a.loop()
		body()
		a.op("ADD $16, %s", at)
		a.op("CMP %s, %s", tiles, at)
		each("BLT")
		a.op("ADD %s<<1, %s", pitch, x)
		a.op("ADD %s, %s", tiles, v)
		a.op("SUBS $1, %s", rows)
		eachRow("BNE")
		a.ret()
	}

	args, _ := a.function(name("Input"), tiles, "is the filter's Input, which see.")
	v, plane, x, pitch, phase, rows, n := args[0], args[1], args[2], args[3], args[4], args[5], args[6]
	at, to, out, even, odd, planes := a.reg(), a.reg(), a.reg(), a.reg(), a.reg(), a.reg()
	shift(plane, pitch, phase, n)
	a.op("MOVD $%d, %s", side, planes)
	a.op("MUL %s, %s", plane, planes)
	factors := a.factorsOf(f.BT, at)
	rowsOfTiles(v, x, pitch, rows, n, at, func() {
		a.op("ADD %s, %s, %s", at, v, to)
		for c := range side {
			e := make([]armSum, side)
			a.op("ADD %s, %s, %s", at, x, even)
			a.op("ADD %s, %s, %s", phase, even, odd)
			for r := range e {
				e[r] = armSum{a: a, factors: factors}
				for k, coefficient := range f.BT[c] {
					if coefficient == 0 {
						continue
					}
					pixel := a.vec()
					a.load(pixel, []string{even, odd}[k%2], k/2*4)
					e[r].add(coefficient, pixel)
					a.free(pixel)
				}
				if r < side-1 {
					a.op("ADD %s, %s", pitch, even)
					a.op("ADD %s, %s", pitch, odd)
				}
				e[r].value()
			}
			a.op("MOVD %s, %s", to, out)
			for r := range e {
				y := armSum{a: a, factors: factors}
				for k, coefficient := range f.BT[r] {
					y.add(coefficient, e[k].v)
				}
				a.store(y.value(), out, 0)
				a.free(y.v)
				if r < side-1 {
					a.op("ADD %s, %s", planes, out)
				}
			}
			for r := range e {
				a.free(e[r].v)
			}
			if c < side-1 {
				a.op("ADD %s, %s", plane, to)
			}
		}
	})

	args, _ = a.function(name("Gradient"), tiles, "is the filter's Gradient, which see.")
	v, plane, x, pitch, phase, rows, n = args[0], args[1], args[2], args[3], args[4], args[5], args[6]
	at, to, upper, lower := a.reg(), a.reg(), a.reg(), a.reg()
	shift(plane, pitch, phase, n)
	factors = a.factorsOf(f.AT, at)
	spread := func(p, q vec, e int) vec {
		s := armSum{a: a, factors: factors}
		s.add(f.AT[0][e], p)
		s.add(f.AT[1][e], q)
		return s.value()
	}
	rowsOfTiles(v, x, pitch, rows, n, at, func() {
		a.op("ADD %s, %s, %s", at, x, upper)
		a.op("ADD %s, %s, %s", pitch, upper, lower)
		a.op("ADD %s, %s, %s", at, v, to)
		var d [2][2]vec
		for r, row := range []string{upper, lower} {
			d[r] = [2]vec{a.vec(), a.vec()}
			a.load(d[r][0], row, 0)
			a.op("ADD %s, %s", phase, row)
			a.load(d[r][1], row, 0)
		}
		for r := range side {
			p, q := spread(d[0][0], d[1][0], r), spread(d[0][1], d[1][1], r)
			for c := range side {
				entry := spread(p, q, c)
				a.store(entry, to, 0)
				a.free(entry)
				if r+c < 2*side-2 {
					a.op("ADD %s, %s", plane, to)
				}
			}
			a.free(p, q)
		}
		a.free(d[0][0], d[0][1], d[1][0], d[1][1])
	})

	args, _ = a.function(name("Output"), "y *float32, ld int, m *float32, plane, rows, tiles int", "is the filter's Output, which see.")
	y, ld, m := args[0], args[1], args[2]
	plane, rows, n = args[3], args[4], args[5]
	at, last, from, column, to, planes := a.reg(), a.reg(), a.reg(), a.reg(), a.reg(), a.reg()
	shift(ld, plane, n)
	a.op("MOVD $%d, %s", side, planes)
	a.op("MUL %s, %s", plane, planes)
	factors = a.factorsOf(f.AT, at)
	// A row's groups of four tiles are taken from the right to the left.
	a.op("SUB $4, %s, %s", n, last)
	a.op("AND $~15, %s", last)
	eachRow := a.loop()
	a.op("MOVD %s, %s", last, at)
	each := a.loop()
	a.op("ADD %s, %s, %s", at, m, from)
	var pixels [2][2]armSum
	for i := range pixels {
		for j := range pixels[i] {
			pixels[i][j] = armSum{a: a, factors: factors}
		}
	}
	for c := range side {
		a.op("MOVD %s, %s", from, column)
		half := [2]armSum{{a: a, factors: factors}, {a: a, factors: factors}}
		entry := a.vec()
		for r := range side {
			a.load(entry, column, 0)
			for i := range half {
				half[i].add(f.AT[i][r], entry)
			}
			if r < side-1 {
				a.op("ADD %s, %s", planes, column)
			}
		}
		a.free(entry)
		for i := range pixels {
			value := half[i].value()
			for j := range pixels[i] {
				pixels[i][j].add(f.AT[j][c], value)
			}
			a.free(value)
		}
		if c < side-1 {
			a.op("ADD %s, %s", plane, from)
		}
	}
	a.op("ADD %s<<1, %s, %s", at, y, to)
	for r := range pixels {
		left, right, half := pixels[r][0].value(), pixels[r][1].value(), a.vec()
		a.op("VZIP1 V%d.S4, V%d.S4, V%d.S4", right, left, half)
		a.store(half, to, 0)
		a.op("VZIP2 V%d.S4, V%d.S4, V%d.S4", right, left, half)
		a.store(half, to, 16)
		if r == 0 {
			a.op("ADD %s, %s", ld, to)
		}
		a.free(half, left, right)
	}
	a.op("SUBS $16, %s", at)
	each("BGE")
	a.op("ADD %s<<1, %s", ld, y)
	a.op("ADD %s, %s", n, m)
	a.op("SUBS $1, %s", rows)
	eachRow("BNE")
	a.ret()

	args, _ = a.function(name("Weights"), "u *float32, plane int, weights *float32, n int", "is the filter's Weights for panels of 8 rows, which see.")
	u, g := args[0], args[2]
	plane, n = args[1], args[3]
	to, at = a.reg(), a.reg()
	shift(plane)
	factors = a.factorsOf(f.G, at)
	const values = 8 * 4 // bytes of a column
	each = a.loop()
	for part := range 2 { // four rows of the panel at a time
		a.op("ADD $%d, %s, %s", 16*part, u, to)
		for r := range side {
			t := make([]armSum, size)
			for c := range t {
				t[c] = armSum{a: a, factors: factors}
				for k, coefficient := range f.G[r] {
					if coefficient == 0 {
						continue
					}
					weight := a.vec()
					a.load(weight, g, (size*k+c)*values+16*part)
					t[c].add(coefficient, weight)
					a.free(weight)
				}
				t[c].value()
			}
			for c := range side {
				s := armSum{a: a, factors: factors}
				for k, coefficient := range f.G[c] {
					s.add(coefficient, t[k].v)
				}
				a.store(s.value(), to, 0)
				a.free(s.v)
				if r+c < 2*side-2 {
					a.op("ADD %s, %s", plane, to)
				}
			}
			for c := range t {
				a.free(t[c].v)
			}
		}
	}
	a.op("ADD $%d, %s", values, u)
	a.op("ADD $%d, %s", size*size*values, g)
	a.op("SUBS $1, %s", n)
	each("BNE")
	a.ret()

	args, _ = a.function(name("WeightGradient"), "weights, u *float32, plane, n int", "is the filter's WeightGradient, which see.")
	g, u, plane, n = args[0], args[1], args[2], args[3]
	to, column, entry, planes := a.reg(), a.reg(), a.reg(), a.reg()
	shift(plane)
	a.op("MOVD $%d, %s", side, planes)
	a.op("MUL %s, %s", plane, planes)
	factors = a.factorsOf(f.G, to)
	each = a.loop()
	a.op("MOVD %s, %s", g, to)
	for r := range size {
		t := make([]armSum, side)
		a.op("MOVD %s, %s", u, column)
		for c := range t {
			t[c] = armSum{a: a, factors: factors}
			a.op("MOVD %s, %s", column, entry)
			for k := range side {
				if f.G[k][r] != 0 {
					value := a.vec()
					a.load(value, entry, 0)
					t[c].add(f.G[k][r], value)
					a.free(value)
				}
				if k < side-1 {
					a.op("ADD %s, %s", planes, entry)
				}
			}
			t[c].value()
			if c < side-1 {
				a.op("ADD %s, %s", plane, column)
			}
		}
		for c := range size {
			s := armSum{a: a, factors: factors}
			for k := range t {
				s.add(f.G[k][c], t[k].v)
			}
			a.store(s.value(), to, 0)
			a.free(s.v)
			if r+c < 2*size-2 {
				a.op("ADD %s, %s", plane, to)
			}
		}
		for c := range t {
			a.free(t[c].v)
		}
	}
	a.op("ADD $16, %s", g)
	a.op("ADD $16, %s", u)
	a.op("SUBS $4, %s", n)
	each("BGT")
	a.ret()
}
