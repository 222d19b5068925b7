package main

import (
	"fmt"
	"strings"
)

func (a *arm) pack() {
	args, _ := a.function("packCopy", "dst *float32, ld int, src *float32, offsets *int, k, runs, length, stride int",
		"is PackCopy, which see.")
	dst, ld, src, offsets, k, runs, length, stride := args[0], args[1], args[2], args[3], args[4], args[5], args[6], args[7]
	from, to, r, in, out, n := a.reg(), a.reg(), a.reg(), a.reg(), a.reg(), a.reg()
	v := a.vec()
	for _, s := range []string{ld, stride} {
		a.op("LSL $2, %s", s)
	}
	bytes := a.reg()
	a.op("LSL $2, %s, %s", length, bytes)
	rows := a.loop()
	a.op("MOVD.P 8(%s), %s", offsets, from)
	a.op("ADD %s<<2, %s, %s", from, src, from)
	a.op("MOVD %s, %s", dst, to)
	a.op("MOVD %s, %s", runs, r)
	each := a.loop()
	a.op("MOVD %s, %s", from, in)
	a.op("MOVD %s, %s", to, out)
	a.op("MOVD %s, %s", length, n)
	again := a.loop()
	a.op("FMOVQ.P 16(%s), F%d", in, v)
	a.op("FMOVQ.P F%d, 16(%s)", v, out)
	a.op("SUBS $4, %s", n)
	again("BGT")
	a.op("ADD %s, %s", stride, from)
	a.op("ADD %s, %s", bytes, to)
	a.op("SUBS $1, %s", r)
	each("BNE")
	a.op("ADD %s, %s", ld, dst)
	a.op("SUBS $1, %s", k)
	rows("BNE")
	a.ret()

	args, _ = a.function("packTranspose", "dst *float32, ld int, src *float32, offsets *int, runs, length, stride int",
		"is PackTranspose of four lanes, which see.")
	dst, ld, src, offsets, runs, length, stride = args[0], args[1], args[2], args[3], args[4], args[5], args[6]
	var p [4]string
	a.op("LSL $2, %s", ld)
	for i := range p {
		p[i] = a.reg()
		a.op("MOVD %d(%s), %s", 8*i, offsets, p[i])
		a.op("ADD %s<<2, %s, %s", p[i], src, p[i])
	}
	skip := a.reg() // from the end of a run's last vector to the next run
	a.op("ADD $3, %s, %s", length, skip)
	a.op("AND $~3, %s", skip)
	a.op("SUB %s, %s, %s", skip, stride, skip)
	a.op("LSL $2, %s", skip)
	next, out, n := a.reg(), a.reg(), a.reg()
	var x, t [4]vec
	for i := range x {
		x[i], t[i] = a.vec(), a.vec()
	}
	each = a.loop()
	a.op("MOVD %s, %s", dst, out)
	a.op("MOVD %s, %s", length, n)
	again = a.loop()
	for i := range x {
		a.op("FMOVQ.P 16(%s), F%d", p[i], x[i])
	}
	for i := range 2 {
		a.op("VTRN1 V%d.S4, V%d.S4, V%d.S4", x[2*i+1], x[2*i], t[2*i])
		a.op("VTRN2 V%d.S4, V%d.S4, V%d.S4", x[2*i+1], x[2*i], t[2*i+1])
	}
	for i := range 2 {
		a.op("VTRN1 V%d.D2, V%d.D2, V%d.D2", t[2+i], t[i], x[i])
		a.op("VTRN2 V%d.D2, V%d.D2, V%d.D2", t[2+i], t[i], x[2+i])
	}
	a.op("MOVD %s, %s", out, next)
	for i := range x {
		a.store(x[i], next, 0)
		a.op("ADD %s, %s", ld, next)
	}
	a.op("MOVD %s, %s", next, out)
	a.op("SUBS $4, %s", n)
	again("BGT")
	a.op("MADD %s, %s, %s, %s", length, dst, ld, dst)
	for i := range p {
		a.op("ADD %s, %s", skip, p[i])
	}
	a.op("SUBS $1, %s", runs)
	each("BNE")
	a.ret()

	args, _ = a.function("packPanels12", "dst *float32, panel int, src *float32, ld, k, panels int",
		"is PackPanels for panels of 12 columns, which see.")
	dst, panel, src, ld, k, panels := args[0], args[1], args[2], args[3], args[4], args[5]
	in, out, n = a.reg(), a.reg(), a.reg()
	v, w, u := a.vec(), a.vec(), a.vec()
	a.op("LSL $2, %s", panel)
	a.op("LSL $2, %s", ld)
	rows = a.loop()
	a.op("MOVD %s, %s", src, in)
	a.op("MOVD %s, %s", dst, out)
	a.op("MOVD %s, %s", panels, n)
	again = a.loop()
	for i, x := range []vec{v, w, u} {
		a.load(x, in, 16*i)
	}
	for i, x := range []vec{v, w, u} {
		a.store(x, out, 16*i)
	}
	a.op("ADD $48, %s", in)
	a.op("ADD %s, %s", panel, out)
	a.op("SUBS $1, %s", n)
	again("BNE")
	a.op("ADD %s, %s", ld, src)
	a.op("ADD $48, %s", dst)
	a.op("SUBS $1, %s", k)
	rows("BNE")
	a.ret()

	for _, stride := range []int{2, 4} {
		args, _ = a.function(fmt.Sprintf("split%d", stride), "dst, src *float32, phase int",
			fmt.Sprintf("is Split with stride %d, for phase ≥ 4.", stride))
		dst, src, phase := args[0], args[1], args[2]
		i, last, at, row := a.reg(), a.reg(), a.reg(), a.reg()
		var list []string
		for f := range stride {
			a.taken[f] = true // VLD2 and VLD4 need consecutive registers
			list = append(list, fmt.Sprintf("V%d.S4", f))
		}
		a.op("MOVD $0, %s", i)
		a.op("SUB $4, %s, %s", phase, last)
		again := a.loop()
		a.op("ADD %s<<%d, %s, %s", i, map[int]int{2: 3, 4: 4}[stride], src, at)
		a.op("VLD%d (%s), [%s]", stride, at, strings.Join(list, ", "))
		a.op("ADD %s<<2, %s, %s", i, dst, row)
		for f := range stride {
			a.store(vec(f), row, 0)
			a.op("ADD %s<<2, %s", phase, row)
		}
		done, next := a.label(), a.label()
		a.op("CMP %s, %s", last, i)
		a.op("BEQ %s", done)
		a.op("ADD $4, %s", i)
		a.op("CMP %s, %s", last, i)
		a.op("BLE %s", next)
		a.op("MOVD %s, %s", last, i)
		a.place(next)
		again("B")
		a.place(done)
		a.ret()
	}
}
