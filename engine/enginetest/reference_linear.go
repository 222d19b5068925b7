package enginetest

import "alexnet/engine"

// taps calls f for every product of a grouped convolution, in C order of the output and
// then of the weights, with the indices of its output, its weight and its input. Inputs
// in the padding are left out.
func taps(w engine.Window, groups int, in, weight, out engine.Shape, f func(y, w, x int)) {
	outPerGroup, size := weight[0]/groups, w.Size
	each(out, func(n, o, oy, ox int) {
		y, top, left := index(out, n, o, oy, ox), oy*w.Stride-w.Pad, ox*w.Stride-w.Pad
		for i := range weight[1] {
			for ky := max(0, -top); ky < min(size, in[2]-top); ky++ {
				weights := index(weight, o, i, ky, 0)
				row := index(in, n, o/outPerGroup*weight[1]+i, top+ky, 0)
				for kx := max(0, -left); kx < min(size, in[3]-left); kx++ {
					f(y, weights+kx, row+left+kx)
				}
			}
		}
	})
}

func (r run) convForward(op engine.ConvForward) {
	x, w, b, y := r.read(op.X), r.read(op.W), r.read(op.B), r.write(op.Y)
	each(y.Shape, func(n, o, i, j int) { y.at(n, o, i, j).add(b.v[o], 0) })
	taps(op.Window, op.Groups, x.Shape, w.Shape, y.Shape, func(at, weight, in int) {
		y.v[at].mul(w.v[weight], x.v[in])
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
	taps(op.Window, op.Groups, x.Shape, w.Shape, dy.Shape, func(at, weight, in int) {
		dw.v[weight].mul(dy.v[at], x.v[in])
		dx.v[in].mul(dy.v[at], w.v[weight])
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
