package main

// eachFour writes a loop over n floats, four at a time: pointers advance by 16 bytes.
func (a *arm) eachFour(n string, pointers []string, body func()) {
	again := a.loop()
	body()
	for _, p := range pointers {
		a.op("ADD $16, %s", p)
	}
	a.op("SUBS $4, %s", n)
	again("BGT")
}

func (a *arm) vectors() {
	for _, relu := range []bool{false, true} {
		name, doc := "addBias", "is x[i] += bias."
		if relu {
			name, doc = "addBiasReLU", "is x[i] = max(x[i] + bias, 0)."
		}
		args, floats := a.function(name, "x *float32, n int, bias float32", doc)
		v, zero := a.vec(), a.vec()
		a.zero(zero)
		a.eachFour(args[1], args[:1], func() {
			a.load(v, args[0], 0)
			a.add(v, v, floats[0])
			if relu {
				a.max(v, v, zero)
			}
			a.store(v, args[0], 0)
		})
		a.ret()
	}

	args, _ := a.function("reluBackward", "y, dy, dx *float32, n int", "is dx[i] = dy[i] where y[i] > 0, else 0.")
	v, w := a.vec(), a.vec()
	a.eachFour(args[3], args[:3], func() {
		a.load(v, args[0], 0)
		a.load(w, args[1], 0)
		a.positive(v, v)
		a.op("VAND V%d.B16, V%d.B16, V%d.B16", v, w, w)
		a.store(w, args[2], 0)
	})
	a.ret()

	args, _ = a.function("add", "y, x *float32, n int", "is y[i] += x[i].")
	v, w = a.vec(), a.vec()
	a.eachFour(args[2], args[:2], func() {
		a.load(v, args[0], 0)
		a.load(w, args[1], 0)
		a.add(v, v, w)
		a.store(v, args[0], 0)
	})
	a.ret()

	args, floats := a.function("update", "w, v, dw *float32, n int, momentum, decay, rate float32",
		"is v[i] = momentum·v[i] − decay·w[i] − rate·dw[i]; w[i] += v[i].")
	momentum, decay, rate := floats[0], floats[1], floats[2]
	pw, pv, pg := a.vec(), a.vec(), a.vec()
	a.eachFour(args[3], args[:3], func() {
		a.load(pw, args[0], 0)
		a.load(pv, args[1], 0)
		a.load(pg, args[2], 0)
		a.mul(pv, pv, momentum)
		a.mls(pv, pw, decay)
		a.mls(pv, pg, rate)
		a.store(pv, args[1], 0)
		a.add(pw, pw, pv)
		a.store(pw, args[0], 0)
	})
	a.ret()

	args, _ = a.function("sum", "x, total *float32, n int", "is total = Σ x[i], n a multiple of 16.")
	var s, x [4]vec
	for i := range s {
		s[i], x[i] = a.vec(), a.vec()
		a.zero(s[i])
	}
	again := a.loop()
	for i := range s {
		a.load(x[i], args[0], 16*i)
		a.add(s[i], s[i], x[i])
	}
	a.op("ADD $64, %s", args[0])
	a.op("SUBS $16, %s", args[2])
	again("BGT")
	a.add(s[0], s[0], s[1])
	a.add(s[2], s[2], s[3])
	a.add(s[0], s[0], s[2])
	a.pairs(s[0], s[0], s[0])
	a.pairs(s[0], s[0], s[0])
	a.op("FMOVS F%d, (%s)", s[0], args[1])
	a.ret()

	args, _ = a.function("notFinite", "x, total *float32, n int", "is total = Σ (x[i] − x[i]): 0, or NaN where an x[i] isn't finite.")
	v, w = a.vec(), a.vec()
	a.zero(w)
	a.eachFour(args[2], args[:1], func() {
		a.load(v, args[0], 0)
		a.sub(v, v, v)
		a.add(w, w, v)
	})
	a.pairs(w, w, w)
	a.pairs(w, w, w)
	a.op("FMOVS F%d, (%s)", w, args[1])
	a.ret()

	a.function("pause", "", "leaves the core to its other thread for a moment.")
	a.op("YIELD")
	a.ret()

	args, _ = a.function("dots", "y, x, w *float32, ld, n int", "is y[r] = Σ x[i]·w[r·ld + i] for four rows, n a multiple of 8.")
	y, px, pw0, ld, n := args[0], args[1], args[2], args[3], args[4]
	rows := []string{pw0, a.reg(), a.reg(), a.reg()}
	for r := 1; r < 4; r++ {
		a.op("ADD %s<<2, %s, %s", ld, rows[r-1], rows[r])
	}
	var sums [4][2]vec
	for r := range sums {
		for i := range sums[r] {
			sums[r][i] = a.vec()
			a.zero(sums[r][i])
		}
	}
	xs := [2]vec{a.vec(), a.vec()}
	v, w = a.vec(), a.vec()
	again = a.loop()
	a.op("FLDPQ.P 32(%s), (F%d, F%d)", px, xs[0], xs[1])
	for r := range rows {
		a.op("FLDPQ.P 32(%s), (F%d, F%d)", rows[r], v, w)
		a.mla(sums[r][0], v, xs[0])
		a.mla(sums[r][1], w, xs[1])
	}
	a.op("SUBS $8, %s", n)
	again("BGT")
	for r := range sums {
		a.add(sums[r][0], sums[r][0], sums[r][1])
	}
	a.pairs(sums[0][0], sums[0][0], sums[1][0])
	a.pairs(sums[2][0], sums[2][0], sums[3][0])
	a.pairs(sums[0][0], sums[0][0], sums[2][0])
	a.store(sums[0][0], y, 0)
	a.ret()
}
