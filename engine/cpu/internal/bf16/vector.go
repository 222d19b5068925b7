package bf16

import "unsafe"

func finishGo(y *uint16, ldy int, c *float32, ldc int, bias []float32, rows int, relu bool) {
	for r := range rows {
		out, in := unsafe.Slice(At(y, r*ldy), len(bias)), unsafe.Slice(At(c, r*ldc), len(bias))
		for j, b := range bias {
			v := in[j] + b
			if relu {
				v = max(v, 0)
			}
			out[j] = Round(v)
		}
	}
}

func reluBackwardGo(y, dy, dx []uint16) {
	dy, dx = dy[:len(y)], dx[:len(y)]
	for i, u := range y {
		g := dy[i]
		if !(Float(u) > 0) {
			g = 0
		}
		dx[i] = g
	}
}

func addWideGo(sum []float32, x []uint16) {
	x = x[:len(sum)]
	for i, u := range x {
		sum[i] += Float(u)
	}
}

func scaleGo(y, x []uint16, factor float32) {
	y = y[:len(x)]
	for i, u := range x {
		y[i] = Round(Float(u) * factor)
	}
}

func columnSumsGo(sum []float32, x *uint16, ld, rows int) {
	for r := range rows {
		addWideGo(sum, unsafe.Slice(At(x, r*ld), len(sum)))
	}
}

func updateGo(high, low []uint16, v, g []float32, momentum, decay, rate float32) {
	low, v, g = low[:len(high)], v[:len(high)], g[:len(high)]
	for i := range high {
		w := Join(high[i], low[i])
		u := momentum*v[i] - decay*w - rate*g[i]
		v[i] = u
		high[i], low[i] = Split(w + u)
	}
}

func inputGo(y []uint16, pixels []byte, mean []float32, colour *[48]float32, scale float32) {
	pixels, mean = pixels[:len(y)], mean[:len(y)]
	for i := range y {
		y[i] = Round((float32(pixels[i]) + colour[i%48] - mean[i]) * scale)
	}
}
