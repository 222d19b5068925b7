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
