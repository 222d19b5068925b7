//go:build amd64 && !noasm

package kernel

// eights calls f for pieces of n ≥ 8 columns whose lengths are multiples of eight. The last
// one may begin within the first, so that it computes some columns again.
func eights(n int, f func(first, n int)) {
	f(0, n&^7)
	if n%8 > 0 {
		f(n-8, 8)
	}
}

func lrnForward(w Neighbours, x, y []float32, k, alpha float32) {
	if len(x) < 8 {
		lrnForwardGo(w, x, y, k, alpha)
		return
	}
	eights(len(x), func(i, n int) {
		lrnForwardAVX2(&w.X[i], w.Rows, w.Stride, &x[i], &y[i : i+n][0], n, k, alpha)
	})
}

func lrnTerms(w Neighbours, x, dy, ratio, direct []float32, k, alpha float32) {
	if len(x) < 8 {
		lrnTermsGo(w, x, dy, ratio, direct, k, alpha)
		return
	}
	eights(len(x), func(i, n int) {
		lrnTermsAVX2(&w.X[i], w.Rows, w.Stride, &x[i], &dy[i : i+n][0], &ratio[i : i+n][0], &direct[i : i+n][0], n, k, alpha)
	})
}

func lrnCombine(w Neighbours, direct, x, dx []float32, factor float32) {
	if len(x) < 8 {
		lrnCombineGo(w, direct, x, dx, factor)
		return
	}
	eights(len(x), func(i, n int) {
		lrnCombineAVX2(&w.X[i], w.Rows, w.Stride, &direct[i : i+n][0], &x[i], &dx[i : i+n][0], n, factor)
	})
}
