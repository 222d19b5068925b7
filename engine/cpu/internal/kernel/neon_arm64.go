//go:build !noasm

package kernel

// neon is the set of arm64's vectors of four floats, which every processor of the
// architecture has. A tile of 8×12 takes 24 of the 32 registers.
var neon = Set{
	Name: "neon", Needs: "NEON",
	Supported: func() bool { return true },

	MR: 8, NR: 12, Lanes: 4, TransposeRows: 4,
	// A panel of B takes 18 KB, a block of A 147 KB, one of B 369 KB.
	Block: Block{K: 384, M: 96, N: 240},

	Peak:     fmaPeakNEON,
	PeakFLOP: 24 * 4 * 2, // 24 multiply-adds of four floats

	Gemm: gemm8x12NEON,

	PackCopy:      packCopyNEON,
	PackTranspose: packTransposeNEON,
	PackPanels:    packPanels12NEON,
	Split:         split,

	AddBias:      addBias,
	ReLUBackward: reluBackward,
	Add:          add,
	Sum:          sum,
	Finite:       finite,
	Dots:         []Dots{dotsBy(1, 8, dots)},
	Update:       update,

	LRNForward: lrnForward,
	LRNTerms:   lrnTerms,
	LRNCombine: lrnCombine,

	MaxPool: maxPool,

	Winograd: []Filter{
		{3, 2, 0, winogradWeights3NEON, winogradInput3NEON, winogradOutput3NEON, winogradGradient3NEON, winogradWeightGradient3NEON},
		{5, 2, 0, winogradWeights5NEON, winogradInput5NEON, winogradOutput5NEON, winogradGradient5NEON, winogradWeightGradient5NEON},
	},
}

// The assembly takes whole vectors of four; the portable twin does the rest.

func split(dst, src *float32, stride, phase int) {
	switch {
	case stride == 2 && phase >= 4:
		split2NEON(dst, src, phase)
	case stride == 4 && phase >= 4:
		split4NEON(dst, src, phase)
	default:
		splitGo(dst, src, stride, phase)
	}
}

func addBias(x []float32, bias float32, relu bool) {
	n := len(x) &^ 3
	if n > 0 && relu {
		addBiasReLUNEON(&x[0], n, bias)
	} else if n > 0 {
		addBiasNEON(&x[0], n, bias)
	}
	addBiasGo(x[n:], bias, relu)
}

func reluBackward(y, dy, dx []float32) {
	n := len(y) &^ 3
	if n > 0 {
		reluBackwardNEON(&y[0], &dy[:n][0], &dx[:n][0], n)
	}
	reluBackwardGo(y[n:], dy[n:], dx[n:])
}

func add(y, x []float32) {
	n := len(y) &^ 3
	if n > 0 {
		addNEON(&y[0], &x[:n][0], n)
	}
	addGo(y[n:], x[n:])
}

func update(w, v, g []float32, momentum, decay, rate float32) {
	n := len(w) &^ 3
	if n > 0 {
		updateNEON(&w[0], &v[:n][0], &g[:n][0], n, momentum, decay, rate)
	}
	updateGo(w[n:], v[n:], g[n:], momentum, decay, rate)
}

func finite(x []float32) bool {
	n := len(x) &^ 3
	var total float32
	if n > 0 {
		notFiniteNEON(&x[0], &total, n)
	}
	return total == 0 && finiteGo(x[n:])
}

func sum(x []float32) (total float32) {
	n := len(x) &^ 15
	if n > 0 {
		sumNEON(&x[0], &total, n)
	}
	if n < len(x) {
		total += sumGo(x[n:])
	}
	return total
}

func dots(y *float32, _ int, x *float32, _ int, w *float32, ldw, n int) {
	dotsNEON(y, x, w, ldw, n)
}

// from returns the rows without their first n columns.
func (w Neighbours) from(n int) Neighbours {
	w.X = w.X[n:]
	return w
}

func lrnForward(w Neighbours, x, y []float32, k, alpha float32) {
	n := len(x) &^ 3
	if n > 0 {
		lrnForwardNEON(&w.X[0], w.Rows, w.Stride, &x[0], &y[:n][0], n, k, alpha)
	}
	if n < len(x) {
		lrnForwardGo(w.from(n), x[n:], y[n:], k, alpha)
	}
}

func lrnTerms(w Neighbours, x, dy, ratio, direct []float32, k, alpha float32) {
	n := len(x) &^ 3
	if n > 0 {
		lrnTermsNEON(&w.X[0], w.Rows, w.Stride, &x[0], &dy[:n][0], &ratio[:n][0], &direct[:n][0], n, k, alpha)
	}
	if n < len(x) {
		lrnTermsGo(w.from(n), x[n:], dy[n:], ratio[n:], direct[n:], k, alpha)
	}
}

func lrnCombine(w Neighbours, direct, x, dx []float32, factor float32) {
	n := len(x) &^ 3
	if n > 0 {
		lrnCombineNEON(&w.X[0], w.Rows, w.Stride, &direct[:n][0], &x[0], &dx[:n][0], n, factor)
	}
	if n < len(x) {
		lrnCombineGo(w.from(n), direct[n:], x[n:], dx[n:], factor)
	}
}

func maxPool(x *float32, stride, size, step int, y *float32, at *byte, n int) {
	if step == 2 && n >= 4 {
		maxPoolNEON(x, stride, size, y, at, n)
		return
	}
	maxPoolGo(x, stride, size, step, y, at, n)
}
