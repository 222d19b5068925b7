package main

// window adds up the window's rows, squared if asked.
func (a *arm) window(x, rows, stride string, at, count string, sum, v vec, squared bool) {
	a.zero(sum)
	a.op("MOVD %s, %s", x, at)
	a.op("MOVD %s, %s", rows, count)
	again := a.loop()
	a.load(v, at, 0)
	if squared {
		a.mla(sum, v, v)
	} else {
		a.add(sum, sum, v)
	}
	a.op("ADD %s, %s", stride, at)
	a.op("SUBS $1, %s", count)
	again("BNE")
}

func (a *arm) lrn() {
	const window = "window *float32, rows, stride int, "
	args, floats := a.function("lrnForward", window+"x, y *float32, n int, k, alpha float32",
		"is LRNForward, which see, of n floats, a multiple of 4.")
	at, count := a.reg(), a.reg()
	s, v, p := a.vec(), a.vec(), a.vec()
	// scale leaves s in s and s^¾ in p.
	scale := func() {
		a.window(args[0], args[1], args[2], at, count, p, v, true)
		a.mul(p, p, floats[1])
		a.add(s, p, floats[0])
		a.sqrt(p, s)
		a.sqrt(v, p)
		a.mul(p, p, v)
	}
	a.op("LSL $2, %s", args[2])
	a.eachFour(args[5], []string{args[0], args[3], args[4]}, func() {
		scale()
		a.load(v, args[3], 0)
		a.div(v, v, p)
		a.store(v, args[4], 0)
	})
	a.ret()

	args, floats = a.function("lrnTerms", window+"x, dy, ratio, direct *float32, n int, k, alpha float32",
		"is LRNTerms, which see, of n floats, a multiple of 4.")
	at, count = a.reg(), a.reg()
	s, v, p = a.vec(), a.vec(), a.vec()
	g := a.vec()
	a.op("LSL $2, %s", args[2])
	a.eachFour(args[7], []string{args[0], args[3], args[4], args[5], args[6]}, func() {
		scale()
		a.load(g, args[4], 0)
		a.div(g, g, p)
		a.load(v, args[3], 0)
		a.mul(v, g, v)
		a.div(v, v, s)
		a.store(v, args[5], 0)
		a.store(g, args[6], 0)
	})
	a.ret()

	args, floats = a.function("lrnCombine", window+"direct, x, dx *float32, n int, factor float32",
		"is LRNCombine, which see, of n floats, a multiple of 4.")
	at, count = a.reg(), a.reg()
	s, v, p = a.vec(), a.vec(), a.vec()
	a.op("LSL $2, %s", args[2])
	a.eachFour(args[6], []string{args[0], args[3], args[4], args[5]}, func() {
		a.window(args[0], args[1], args[2], at, count, s, v, false)
		a.load(v, args[4], 0)
		a.mul(v, v, floats[0])
		a.load(p, args[3], 0)
		a.mls(p, v, s)
		a.store(p, args[5], 0)
	})
	a.ret()
}
