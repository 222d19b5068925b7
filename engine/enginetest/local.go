package enginetest

import (
	"fmt"

	"alexnet/engine"
)

// localTaps calls f for every product of a locally connected layer: output element
// (n, o, y, x) has bias and row r of the weights; weight (i, ky, kx) multiplies input
// (n, c, iy, ix). Products with the padding are left out.
func localTaps(w engine.Window, groups int, in grid, maps int, out engine.Shape, f func(n, o, y, x, r, i, ky, kx, c, iy, ix int)) {
	each(out, func(n, o, y, x int) {
		r, g := (o*out[2]+y)*out[3]+x, o/(out[1]/groups)
		for i := range maps {
			for ky := range w.Size {
				for kx := range w.Size {
					if iy, ix := y*w.Stride-w.Pad+ky, x*w.Stride-w.Pad+kx; in.inside(iy, ix) {
						f(n, o, y, x, r, i, ky, kx, g*maps+i, iy, ix)
					}
				}
			}
		}
	})
}

func (r run) localForward(op engine.LocalForward) {
	x, w, b, y := r.read(op.X), r.read(op.W), r.read(op.B), r.write(op.Y)
	for i := range y.v {
		y.v[i].add(b.v[i%y.Shape.Row()], 0)
	}
	localTaps(op.Window, op.Groups, x, w.Shape[1], y.Shape, func(n, o, oy, ox, row, i, ky, kx, c, iy, ix int) {
		y.at(n, o, oy, ox).mul(w.at(row, i, ky, kx), x.at(n, c, iy, ix))
	})
}

func (r run) localBackward(op engine.LocalBackward) {
	x, w, dy := r.read(op.X), r.read(op.W), r.read(op.DY)
	dw, db := r.write(op.DW), r.write(op.DB)
	dx := newSums(op.X.Shape)
	if op.DX != nil {
		dx = r.write(op.DX)
	}
	for i, d := range dy.v {
		db.v[i%dy.Shape.Row()].add(d, 0)
	}
	localTaps(op.Window, op.Groups, x, w.Shape[1], dy.Shape, func(n, o, oy, ox, row, i, ky, kx, c, iy, ix int) {
		d := dy.at(n, o, oy, ox)
		dw.at(row, i, ky, kx).mul(d, x.at(n, c, iy, ix))
		dx.at(n, c, iy, ix).mul(d, w.at(row, i, ky, kx))
	})
}

func localCases() (cases []OpCase) {
	for _, c := range []struct {
		in     engine.Shape
		out    int // maps
		w      engine.Window
		groups int
	}{
		{engine.Shape{1, 1, 1, 1}, 1, engine.Window{Size: 1, Stride: 1}, 1},
		{engine.Shape{1, 1, 2, 2}, 1, engine.Window{Size: 3, Stride: 1, Pad: 1}, 1},    // never wholly inside
		{engine.Shape{3, 2, 4, 7}, 3, engine.Window{Size: 2, Stride: 1, Pad: 1}, 1},    // even kernel, wide image
		{engine.Shape{3, 4, 8, 8}, 6, engine.Window{Size: 3, Stride: 2}, 2},            // the last row and column go unread
		{engine.Shape{1, 4, 6, 6}, 4, engine.Window{Size: 1, Stride: 3}, 2},            // stride over kernel: holes
		{engine.Shape{2, 6, 3, 4}, 6, engine.Window{Size: 3, Stride: 1, Pad: 1}, 6},    // a group per map
		{engine.Shape{5, 64, 3, 3}, 34, engine.Window{Size: 3, Stride: 1, Pad: 1}, 1},  // cifar-13pct, fewer pixels
		{engine.Shape{19, 24, 3, 2}, 40, engine.Window{Size: 3, Stride: 1, Pad: 1}, 2}, // more images than a vector
	} {
		name := fmt.Sprintf("%v to %d maps, %d×%d stride %d pad %d, %d groups",
			c.in, c.out, c.w.Size, c.w.Size, c.w.Stride, c.w.Pad, c.groups)
		out := engine.Shape{c.in[0], c.out, c.w.Out(c.in[2]), c.w.Out(c.in[3])}
		weights := engine.Shape{out.Row(), c.in[1] / c.groups, c.w.Size, c.w.Size}
		biases := engine.Shape{out.Row(), 1, 1, 1}
		cases = append(cases, OpCase{Name: "local forward/" + name, Op: engine.LocalForward{
			Window: c.w, Groups: c.groups,
			X: working("x", c.in), W: master("w", weights), B: master("b", biases), Y: working("y", out),
		}})
		for _, first := range []bool{false, true} {
			op := engine.LocalBackward{
				Window: c.w, Groups: c.groups,
				X: working("x", c.in), W: master("w", weights), DY: working("dy", out),
				DW: float32s("dw", weights), DB: float32s("db", biases), DX: working("dx", c.in),
			}
			suffix := ""
			if first {
				op.DX, suffix = nil, ", no dx"
			}
			cases = append(cases, OpCase{Name: "local backward/" + name + suffix, Op: op})
		}
	}
	return cases
}
