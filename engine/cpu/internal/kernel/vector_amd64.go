//go:build amd64 && !noasm

package kernel

// The assembly takes whole vectors of eight; the portable twin does the rest.

func addBias(x []float32, bias float32, relu bool) {
	n := len(x) &^ 7
	if n > 0 && relu {
		addBiasReLUAVX2(&x[0], n, bias)
	} else if n > 0 {
		addBiasAVX2(&x[0], n, bias)
	}
	addBiasGo(x[n:], bias, relu)
}

func reluBackward(y, dy, dx []float32) {
	n := len(y) &^ 7
	if n > 0 {
		reluBackwardAVX2(&y[0], &dy[:n][0], &dx[:n][0], n)
	}
	reluBackwardGo(y[n:], dy[n:], dx[n:])
}

func add(y, x []float32) {
	n := len(y) &^ 7
	if n > 0 {
		addAVX2(&y[0], &x[:n][0], n)
	}
	addGo(y[n:], x[n:])
}

func update(w, v, g []float32, momentum, decay, rate float32) {
	n := len(w) &^ 7
	if n > 0 {
		updateAVX2(&w[0], &v[:n][0], &g[:n][0], n, momentum, decay, rate)
	}
	updateGo(w[n:], v[n:], g[n:], momentum, decay, rate)
}

func finite(x []float32) bool {
	n := len(x) &^ 7
	return (n == 0 || notFiniteAVX2(&x[0], n) == 0) && finiteGo(x[n:])
}

func sum(x []float32) (total float32) {
	n := len(x) &^ 31
	if n > 0 {
		total = sumAVX2(&x[0], n)
	}
	if n < len(x) {
		total += sumGo(x[n:])
	}
	return total
}
