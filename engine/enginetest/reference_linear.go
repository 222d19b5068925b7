package enginetest

import "alexnet/engine"

// taps calls f for every product of a grouped convolution: output element
// (n, o, y, x) reads weight (o, i, ky, kx) and input (n, c, iy, ix), which lies
// in the padding for some.
func taps(w engine.Window, groups int, weight, out engine.Shape, f func(n, o, y, x, i, ky, kx, c, iy, ix int)) {
	outPerGroup := weight[0] / groups
	each(out, func(n, o, y, x int) {
		g := o / outPerGroup
		for i := range weight[1] {
			for ky := range w.Size {
				for kx := range w.Size {
					f(n, o, y, x, i, ky, kx, g*weight[1]+i, y*w.Stride-w.Pad+ky, x*w.Stride-w.Pad+kx)
				}
			}
		}
	})
}

func (r run) convForward(op engine.ConvForward) {
	x, w, b, y := r.read(op.X), r.read(op.W), r.read(op.B), r.write(op.Y)
	each(y.Shape, func(n, o, i, j int) { y.at(n, o, i, j).add(b.v[o], 0) })
	taps(op.Window, op.Groups, w.Shape, y.Shape, func(n, o, oy, ox, i, ky, kx, c, iy, ix int) {
		if x.inside(iy, ix) {
			y.at(n, o, oy, ox).mul(w.at(o, i, ky, kx), x.at(n, c, iy, ix))
		}
	})
}

func (r run) convBackward(op engine.ConvBackward) {
	x, w, dy := r.read(op.X), r.read(op.W), r.read(op.DY)
	dw, db := r.write(op.DW), r.write(op.DB)
	dx := newSums(op.X.Shape)
	if op.DX != nil {
		dx = r.write(op.DX)
	}
	each(dy.Shape, func(n, o, i, j int) { db.v[o].add(dy.at(n, o, i, j), 0) })
	taps(op.Window, op.Groups, w.Shape, dy.Shape, func(n, o, oy, ox, i, ky, kx, c, iy, ix int) {
		if x.inside(iy, ix) {
			d := dy.at(n, o, oy, ox)
			dw.at(o, i, ky, kx).mul(d, x.at(n, c, iy, ix))
			dx.at(n, c, iy, ix).mul(d, w.at(o, i, ky, kx))
		}
	})
}

func (r run) denseForward(op engine.DenseForward) {
	x, w, b, y := r.read(op.X), r.read(op.W), r.read(op.B), r.write(op.Y)
	in := x.Shape.Row()
	each(y.Shape, func(n, o, _, _ int) {
		s := y.at(n, o, 0, 0)
		s.add(b.v[o], 0)
		for i := range in {
			s.mul(w.v[o*in+i], x.v[n*in+i])
		}
	})
}

func (r run) denseBackward(op engine.DenseBackward) {
	x, w, dy := r.read(op.X), r.read(op.W), r.read(op.DY)
	dw, db := r.write(op.DW), r.write(op.DB)
	dx := newSums(op.X.Shape)
	if op.DX != nil {
		dx = r.write(op.DX)
	}
	in := x.Shape.Row()
	each(dy.Shape, func(n, o, _, _ int) {
		d := dy.at(n, o, 0, 0)
		db.v[o].add(d, 0)
		for i := range in {
			dw.v[o*in+i].mul(d, x.v[n*in+i])
			dx.v[n*in+i].mul(d, w.v[o*in+i])
		}
	})
}
