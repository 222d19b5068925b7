package cpu

import "alexnet/engine"

func (c *Context) lowerMaxPoolForward(op engine.MaxPoolForward) lowered {
	in, out := op.X.Shape, op.Y.Shape
	planeIn, planeOut := in[2]*in[3], out[2]*out[3]
	lo, hi := whole(op.Window, in[3], out[3])
	return lowered{stages: []stage{{in[0] * in[1], func(w *worker, part int) {
		x, y := c.floats(op.X)[part*planeIn:][:planeIn], c.floats(op.Y)[part*planeOut:][:planeOut]
		var at []byte
		if op.At != nil {
			at = c.bytes(op.At)[part*planeOut:][:planeOut]
		}
		for oy := range out[2] {
			row, lo, hi := oy*out[3], lo, hi
			iy := oy*op.Stride - op.Pad
			if iy < 0 || iy+op.Size > in[2] {
				hi = lo
			}
			for ox := 0; ox < out[3]; ox++ {
				if ox == lo && lo < hi { // the kernel computes these
					ox = hi - 1
					continue
				}
				best, position := maximum(x, in[2], in[3], op.Window, oy, ox)
				y[row+ox] = best
				if at != nil {
					at[row+ox] = byte(position)
				}
			}
			if lo < hi {
				var positions *byte
				if at != nil {
					positions = &at[row+lo]
				}
				c.kernels.MaxPool(&x[iy*in[3]+lo*op.Stride-op.Pad], in[3], op.Size, op.Stride, &y[row+lo], positions, hi-lo)
			}
		}
	}}}}
}

// whole returns the range of outputs along an axis whose windows lie inside the
// input.
func whole(win engine.Window, in, out int) (lo, hi int) {
	lo = ceilDiv(win.Pad, win.Stride)
	if in+win.Pad < win.Size {
		return lo, lo
	}
	return lo, max(lo, min(out, (in-win.Size+win.Pad)/win.Stride+1))
}

// maximum returns the largest value of the window for output (oy, ox) of an h×w plane,
// and its position in the window. The first of equal values wins, and the first NaN wins
// over everything.
func maximum(x []float32, h, w int, win engine.Window, oy, ox int) (best float32, position int) {
	y0, x0 := oy*win.Stride-win.Pad, ox*win.Stride-win.Pad
	first := true
	for ky := max(0, -y0); ky < min(win.Size, h-y0); ky++ {
		row := x[(y0+ky)*w:][:w]
		for kx := max(0, -x0); kx < min(win.Size, w-x0); kx++ {
			v := row[x0+kx]
			if first || v > best || v != v && best == best {
				best, position, first = v, ky*win.Size+kx, false
			}
		}
	}
	return best, position
}

func (c *Context) lowerMaxPoolBackward(op engine.MaxPoolBackward) lowered {
	in, out := op.DX.Shape, op.DY.Shape
	var within [256]int // offset of each position of a window in the plane, from the window's corner
	for position := range op.Size * op.Size {
		within[position] = position/op.Size*in[3] + position%op.Size
	}
	planeIn, planeOut := in[2]*in[3], out[2]*out[3]
	return lowered{stages: []stage{{in[0] * in[1], func(w *worker, part int) {
		dx, dy := c.floats(op.DX)[part*planeIn:][:planeIn], c.floats(op.DY)[part*planeOut:][:planeOut]
		at := c.bytes(op.At)[part*planeOut:][:planeOut]
		clear(dx)
		for oy := range out[2] {
			first := (oy*op.Stride-op.Pad)*in[3] - op.Pad // of the row's first window
			for ox := range out[3] {
				i := oy*out[3] + ox
				dx[first+ox*op.Stride+within[at[i]]] += dy[i]
			}
		}
	}}}}
}
