//go:build amd64 && !noasm

package kernel

// from returns the rows without their first n columns.
func (w Neighbours) from(n int) Neighbours {
	w.X = w.X[n:]
	return w
}

func lrnForward(w Neighbours, x, y []float32, k, alpha float32) {
	n := len(x) &^ 7
	if n > 0 {
		lrnForwardAVX2(&w.X[0], w.Rows, w.Stride, &x[0], &y[:n][0], n, k, alpha)
	}
	if n < len(x) {
		lrnForwardGo(w.from(n), x[n:], y[n:], k, alpha)
	}
}

func lrnTerms(w Neighbours, x, dy, ratio, direct []float32, k, alpha float32) {
	n := len(x) &^ 7
	if n > 0 {
		lrnTermsAVX2(&w.X[0], w.Rows, w.Stride, &x[0], &dy[:n][0], &ratio[:n][0], &direct[:n][0], n, k, alpha)
	}
	if n < len(x) {
		lrnTermsGo(w.from(n), x[n:], dy[n:], ratio[n:], direct[n:], k, alpha)
	}
}

func lrnCombine(w Neighbours, direct, x, dx []float32, factor float32) {
	n := len(x) &^ 7
	if n > 0 {
		lrnCombineAVX2(&w.X[0], w.Rows, w.Stride, &direct[:n][0], &x[0], &dx[:n][0], n, factor)
	}
	if n < len(x) {
		lrnCombineGo(w.from(n), direct[n:], x[n:], dx[n:], factor)
	}
}
