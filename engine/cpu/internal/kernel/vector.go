package kernel

import "unsafe"

func addBiasGo(x []float32, bias float32, relu bool) {
	if !relu {
		for i := range x {
			x[i] += bias
		}
		return
	}
	for i, v := range x {
		x[i] = max(v+bias, 0)
	}
}

func reluBackwardGo(y, dy, dx []float32) {
	dy, dx = dy[:len(y)], dx[:len(y)]
	for i, v := range y {
		g := dy[i]
		if !(v > 0) {
			g = 0
		}
		dx[i] = g
	}
}

func addGo(y, x []float32) {
	x = x[:len(y)]
	for i, v := range x {
		y[i] += v
	}
}

func updateGo(w, v, g []float32, momentum, decay, rate float32) {
	v, g = v[:len(w)], g[:len(w)]
	for i, x := range w {
		u := momentum*v[i] - decay*x - rate*g[i]
		v[i] = u
		w[i] = x + u
	}
}

// sumGo adds in eight interleaved sums, so that they don't wait for each other.
func sumGo(x []float32) float32 {
	var s [8]float32
	for ; len(x) >= 8; x = x[8:] {
		for i, v := range x[:8] {
			s[i] += v
		}
	}
	for i, v := range x {
		s[i] += v
	}
	return ((s[0] + s[1]) + (s[2] + s[3])) + ((s[4] + s[5]) + (s[6] + s[7]))
}

// dotsGo returns the portable Dots of images vectors.
func dotsGo(images int) Dots {
	return Dots{images, func(y *float32, ldy int, x *float32, ldx int, w *float32, ldw, n int) {
		for i := range images {
			for r := range 4 {
				var sum float32
				vector := unsafe.Slice(at(x, i*ldx), n)
				for j, v := range unsafe.Slice(at(w, r*ldw), n) {
					sum += vector[j] * v
				}
				*at(y, i*ldy+r) = sum
			}
		}
	}}
}

// dotsBy is Dots by a kernel that takes a multiple of `multiple` floats.
func dotsBy(images, multiple int, whole func(y *float32, ldy int, x *float32, ldx int, w *float32, ldw, n int)) Dots {
	all := dotsGo(images)
	return Dots{images, func(y *float32, ldy int, x *float32, ldx int, w *float32, ldw, n int) {
		v := n / multiple * multiple
		if v == 0 {
			all.Run(y, ldy, x, ldx, w, ldw, n)
			return
		}
		whole(y, ldy, x, ldx, w, ldw, v)
		if v == n {
			return
		}
		var rest [16]float32 // 4·images at most
		all.Run(&rest[0], 4, at(x, v), ldx, at(w, v), ldw, n-v)
		for i := range images {
			for r := range 4 {
				*at(y, i*ldy+r) += rest[4*i+r]
			}
		}
	}}
}

// finiteGo is the portable Finite: x − x is 0 for finite values, and otherwise NaN.
func finiteGo(x []float32) bool {
	var sum float32
	for _, v := range x {
		sum += v - v
	}
	return sum == 0
}
