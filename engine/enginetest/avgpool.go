package enginetest

import (
	"fmt"

	"alexnet/engine"
)

// means calls f for every pixel (iy, ix) in the window of output (n, c, oy, ox); m is the
// number of pixels in the window.
func means(w engine.Window, in grid, out engine.Shape, f func(n, c, oy, ox, iy, ix, m int)) {
	each(out, func(n, c, oy, ox int) {
		var inside [][2]int
		for ky := range w.Size {
			for kx := range w.Size {
				if iy, ix := oy*w.Stride-w.Pad+ky, ox*w.Stride-w.Pad+kx; in.inside(iy, ix) {
					inside = append(inside, [2]int{iy, ix})
				}
			}
		}
		for _, p := range inside {
			f(n, c, oy, ox, p[0], p[1], len(inside))
		}
	})
}

func (r run) avgPoolForward(op engine.AvgPoolForward) {
	x, y := r.read(op.X), r.write(op.Y)
	means(op.Window, x, y.Shape, func(n, c, oy, ox, iy, ix, m int) {
		y.at(n, c, oy, ox).add(x.at(n, c, iy, ix)/float64(m), 2) // two roundings: 1/m and the product
	})
}

func (r run) avgPoolBackward(op engine.AvgPoolBackward) {
	dy, dx := r.read(op.DY), r.write(op.DX)
	means(op.Window, grid{Shape: dx.Shape}, dy.Shape, func(n, c, oy, ox, iy, ix, m int) {
		dx.at(n, c, iy, ix).add(dy.at(n, c, oy, ox)/float64(m), 2)
	})
}

func avgPoolCases() (cases []OpCase) {
	for _, c := range []struct {
		what  string
		w     engine.Window
		shape engine.Shape
		x     []float64 // nil: noise
	}{
		{"one element", engine.Window{Size: 1, Stride: 1}, engine.Shape{1, 1, 1, 1}, nil},
		{"overlapping", engine.Window{Size: 3, Stride: 2}, engine.Shape{3, 4, 13, 13}, nil},
		{"many maps", engine.Window{Size: 3, Stride: 2}, engine.Shape{2, 40, 7, 5}, nil},
		{"plain", engine.Window{Size: 2, Stride: 2}, engine.Shape{2, 3, 6, 9}, nil},
		{"last row and column unread", engine.Window{Size: 3, Stride: 2}, engine.Shape{2, 8, 6, 8}, nil},
		{"padded", engine.Window{Size: 3, Stride: 2, Pad: 1}, engine.Shape{2, 3, 5, 4}, nil},
		{"padded, mostly outside", engine.Window{Size: 3, Stride: 1, Pad: 2}, engine.Shape{1, 16, 2, 3}, nil},
		{"holes", engine.Window{Size: 2, Stride: 3}, engine.Shape{1, 2, 8, 8}, nil},
		{"rounded up", engine.Window{Size: 3, Stride: 2, Ceil: true}, engine.Shape{2, 40, 12, 8}, nil},
		{"rounded up, no window whole", engine.Window{Size: 5, Stride: 4, Ceil: true}, engine.Shape{2, 8, 4, 2}, nil},
		{"rounded up and padded", engine.Window{Size: 3, Stride: 2, Pad: 1, Ceil: true}, engine.Shape{1, 3, 4, 6}, nil},
		{"whole maps", engine.Window{Size: 6, Stride: 1}, engine.Shape{2, 9, 6, 6}, nil},
		{"whole maps of 17×19, one pixel left out", engine.Window{Size: 18, Stride: 1, Pad: 1}, engine.Shape{1, 8, 17, 19}, nil},
		{"infinities and NaN", engine.Window{Size: 2, Stride: 1}, engine.Shape{1, 1, 3, 4}, []float64{
			inf, 1, 2, 3,
			4, 5, 6, nan,
			-inf, 7, 8, 9,
		}},
	} {
		name := fmt.Sprintf("%s, %v, %d×%d stride %d pad %d", c.what, c.shape, c.w.Size, c.w.Size, c.w.Stride, c.w.Pad)
		out := c.w.Pooled(c.shape)
		forward := engine.AvgPoolForward{Window: c.w, X: working("x", c.shape), Y: working("y", out)}
		backward := engine.AvgPoolBackward{Window: c.w, DY: working("dy", out), DX: working("dx", c.shape)}
		data := Memory{}
		if c.x != nil {
			data[forward.X] = c.x
		}
		cases = append(cases,
			OpCase{Name: "avgpool forward/" + name, Op: forward, Data: data},
			OpCase{Name: "avgpool backward/" + name, Op: backward})
	}
	return cases
}
