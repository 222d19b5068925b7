package kernel

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

func dotsGo(y *[4]float32, x, w []float32, ld int) {
	for r := range y {
		var sum float32
		for i, v := range w[r*ld:][:len(x)] {
			sum += x[i] * v
		}
		y[r] = sum
	}
}

// finiteGo is the portable Finite: x − x is 0, or NaN for what isn't finite.
func finiteGo(x []float32) bool {
	var sum float32
	for _, v := range x {
		sum += v - v
	}
	return sum == 0
}
