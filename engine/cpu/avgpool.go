package cpu

import (
	"alexnet/engine"
	"alexnet/engine/cpu/internal/bf16"
)

func (c *Context) lowerAvgPoolForward(op engine.AvgPoolForward) lowered {
	in, out := op.X.Shape, op.Y.Shape
	planeIn, planeOut := in[2]*in[3], out[2]*out[3]
	rows, columns := reaches(op.Window, out[2], in[2]), reaches(op.Window, out[3], in[3])
	return lowered{stages: []stage{{in[0] * in[1], func(_ *worker, part int) {
		x, y := c.floats(op.X)[part*planeIn:][:planeIn], c.floats(op.Y)[part*planeOut:][:planeOut]
		for oy, r := range rows {
			for ox, q := range columns {
				sum := float32(0)
				for iy := r.first; iy < r.first+r.count; iy++ {
					for _, v := range x[iy*in[3]+q.first:][:q.count] {
						sum += v
					}
				}
				y[oy*out[3]+ox] = sum / float32(r.count*q.count)
			}
		}
	}}}}
}

func (c *Context) lowerAvgPoolBackward(op engine.AvgPoolBackward) lowered {
	in, out := op.DX.Shape, op.DY.Shape
	planeIn, planeOut := in[2]*in[3], out[2]*out[3]
	rows, columns := reaches(op.Window, out[2], in[2]), reaches(op.Window, out[3], in[3])
	return lowered{stages: []stage{{in[0] * in[1], func(_ *worker, part int) {
		dx, dy := c.floats(op.DX)[part*planeIn:][:planeIn], c.floats(op.DY)[part*planeOut:][:planeOut]
		clear(dx)
		for oy, r := range rows {
			for ox, q := range columns {
				d := dy[oy*out[3]+ox] / float32(r.count*q.count)
				for iy := r.first; iy < r.first+r.count; iy++ {
					row := dx[iy*in[3]+q.first:][:q.count]
					for i := range row {
						row[i] += d
					}
				}
			}
		}
	}}}}
}

func (n *narrow) lowerAvgPoolForward(op engine.AvgPoolForward) lowered {
	in, out := op.X.Shape, op.Y.Shape
	maps := in[1]
	rows, columns := reaches(op.Window, out[2], in[2]), reaches(op.Window, out[3], in[3])
	return lowered{scratch: floatsOf(maps), stages: []stage{{in[0] * out[2], func(w *worker, part int) {
		image, r := part/out[2], rows[part%out[2]]
		x, y := n.words(op.X)[image*in.Row():][:in.Row()], n.words(op.Y)[part*out[3]*maps:]
		sum := w.scratch[:maps]
		for ox, q := range columns {
			clear(sum)
			for iy := r.first; iy < r.first+r.count; iy++ {
				for ix := q.first; ix < q.first+q.count; ix++ {
					n.set.AddWide(sum, x[(iy*in[3]+ix)*maps:][:maps])
				}
			}
			for i := range sum {
				sum[i] /= float32(r.count * q.count)
			}
			n.set.Narrow(y[ox*maps:][:maps], sum)
		}
	}}}}
}

// lowerAvgPoolBackward gathers each pixel's gradient from the windows that cover it.
func (n *narrow) lowerAvgPoolBackward(op engine.AvgPoolBackward) lowered {
	in, out := op.DX.Shape, op.DY.Shape
	maps := in[1]
	rows, columns := reaches(op.Window, out[2], in[2]), reaches(op.Window, out[3], in[3])
	return lowered{scratch: floatsOf(maps), stages: []stage{{in[0] * in[2], func(w *worker, part int) {
		image, iy := part/in[2], part%in[2]
		dx, dy := n.words(op.DX)[part*in[3]*maps:], n.words(op.DY)[image*out.Row():][:out.Row()]
		sum := w.scratch[:maps]
		for ix := range in[3] {
			clear(sum)
			for oy, r := range rows {
				if !r.holds(iy) {
					continue
				}
				for ox, q := range columns {
					if !q.holds(ix) {
						continue
					}
					share := 1 / float32(r.count*q.count)
					for i, d := range dy[(oy*out[3]+ox)*maps:][:maps] {
						sum[i] += share * bf16.Float(d)
					}
				}
			}
			n.set.Narrow(dx[ix*maps:][:maps], sum)
		}
	}}}}
}

func (r reach) holds(pixel int) bool { return r.first <= pixel && pixel < r.first+r.count }
