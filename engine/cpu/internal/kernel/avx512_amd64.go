//go:build amd64 && !noasm

package kernel

import "golang.org/x/sys/cpu"

// avx512 is the set of AVX-512 (F, BW, DQ and VL): vectors of sixteen floats, of which a
// tile of 12×32 takes 24 of the 32 registers. Masks stop a kernel at the end of its
// operands, so it needs no portable twin for the remainder.
var avx512 = Set{
	Name: "avx512", Needs: "AVX-512 F, BW, DQ and VL",
	Supported: func() bool {
		return cpu.X86.HasAVX512F && cpu.X86.HasAVX512BW && cpu.X86.HasAVX512DQ && cpu.X86.HasAVX512VL && cpu.X86.HasBMI2
	},

	// Rows of fc6 are a multiple of 4 KB apart. Sixteen of them would share one set of a
	// first-level cache of eight ways, so only eight are transposed at a time.
	MR: 12, NR: 32, Lanes: 16, TransposeRows: 8,
	// A panel of B takes 32 KB, a block of A 98 KB, one of B 229 KB.
	Block: Block{K: 384, M: 96, N: 224},

	Peak:     fmaPeakAVX512,
	PeakFLOP: 12 * 16 * 2, // twelve multiply-adds of sixteen floats

	Gemm:     gemm12x32AVX512,
	GemmHalf: gemm12x16AVX512,

	PackCopy:      packCopyAVX2, // runs of 13 to 55 floats don't gain from longer vectors
	PackTranspose: packTransposeAVX2,
	PackPanels:    packPanelsAVX512,
	Split:         split,

	AddBias: func(x []float32, bias float32, relu bool) {
		switch {
		case len(x) == 0:
		case relu:
			addBiasReLUAVX512(&x[0], len(x), bias)
		default:
			addBiasAVX512(&x[0], len(x), bias)
		}
	},
	ReLUBackward: func(y, dy, dx []float32) {
		if n := len(y); n > 0 {
			reluBackwardAVX512(&y[0], &dy[:n][0], &dx[:n][0], n)
		}
	},
	Add: func(y, x []float32) {
		if n := len(y); n > 0 {
			addAVX512(&y[0], &x[:n][0], n)
		}
	},
	Sum: func(x []float32) (total float32) {
		n := len(x) &^ 63
		if n > 0 {
			total = sumAVX512(&x[0], n)
		}
		if n < len(x) {
			total += sum(x[n:])
		}
		return total
	},
	Finite: func(x []float32) bool { return len(x) == 0 || notFiniteAVX512(&x[0], len(x)) == 0 },
	Dots:   []Dots{dotsBy(4, 16, dots4AVX512), dotsBy(1, 32, dots1AVX512)},
	Update: func(w, v, g []float32, momentum, decay, rate float32) {
		if n := len(w); n > 0 {
			updateAVX512(&w[0], &v[:n][0], &g[:n][0], n, momentum, decay, rate)
		}
	},

	LRNForward: func(w Neighbours, x, y []float32, k, alpha float32) {
		if n := len(x); n > 0 {
			lrnForwardAVX512(&w.X[0], w.Rows, w.Stride, &x[0], &y[:n][0], n, k, alpha)
		}
	},
	LRNTerms: func(w Neighbours, x, dy, ratio, direct []float32, k, alpha float32) {
		if n := len(x); n > 0 {
			lrnTermsAVX512(&w.X[0], w.Rows, w.Stride, &x[0], &dy[:n][0], &ratio[:n][0], &direct[:n][0], n, k, alpha)
		}
	},
	LRNCombine: func(w Neighbours, direct, x, dx []float32, factor float32) {
		if n := len(x); n > 0 {
			lrnCombineAVX512(&w.X[0], w.Rows, w.Stride, &direct[:n][0], &x[0], &dx[:n][0], n, factor)
		}
	},

	MaxPool: func(x *float32, stride, size, step int, y *float32, at *byte, n int) {
		if step == 2 {
			maxPoolAVX512(x, stride, size, y, at, n)
			return
		}
		maxPoolGo(x, stride, size, step, y, at, n)
	},

	Winograd: []Filter{
		{
			3, 2, 0, winogradWeights3AVX512,
			tilesBy(winogradInput3AVX2, winogradInput3AVX512),
			pixelsBy(winogradOutput3AVX2, winogradOutput3AVX512),
			tilesBy(winogradGradient3AVX2, winogradGradient3AVX512),
			winogradWeightGradient3AVX512,
		},
		{
			5, 2, 0, winogradWeights5AVX512,
			tilesBy(winogradInput5AVX2, winogradInput5AVX512),
			pixelsBy(winogradOutput5AVX2, winogradOutput5AVX512),
			tilesBy(winogradGradient5AVX2, winogradGradient5AVX512),
			winogradWeightGradient5AVX512,
		},
		{
			3, 4, error4x3, winogradWeights4x3AVX512,
			tilesBy(winogradInput4x3AVX2, winogradInput4x3AVX512),
			pixelsBy(winogradOutput4x3AVX2, winogradOutput4x3AVX512),
			tilesBy(winogradGradient4x3AVX2, winogradGradient4x3AVX512),
			winogradWeightGradient4x3AVX512,
		},
		{
			5, 4, error4x5, winogradWeights4x5AVX512,
			tilesBy(winogradInput4x5AVX2, winogradInput4x5AVX512),
			pixelsBy(winogradOutput4x5AVX2, winogradOutput4x5AVX512),
			tilesBy(winogradGradient4x5AVX2, winogradGradient4x5AVX512),
			winogradWeightGradient4x5AVX512,
		},
	},
}

// narrow reports whether a row's last tiles fill at most half a vector of sixteen, like
// the seven tiles of a row of 13 pixels. Vectors of eight need no more steps then.
func narrow(tiles int) bool { return (tiles-1)%16 < 8 }

// tilesBy chooses between two kernels of Filter.Input or Filter.Gradient by the
// length of a row.
func tilesBy(eight, sixteen func(v *float32, plane int, x *float32, pitch, phase, rows, tiles int)) func(v *float32, plane int, x *float32, pitch, phase, rows, tiles int) {
	return func(v *float32, plane int, x *float32, pitch, phase, rows, tiles int) {
		if narrow(tiles) {
			eight(v, plane, x, pitch, phase, rows, tiles)
			return
		}
		sixteen(v, plane, x, pitch, phase, rows, tiles)
	}
}

// pixelsBy is tilesBy for Filter.Output.
func pixelsBy(eight, sixteen func(y *float32, ld int, m *float32, plane, rows, tiles int)) func(y *float32, ld int, m *float32, plane, rows, tiles int) {
	return func(y *float32, ld int, m *float32, plane, rows, tiles int) {
		if narrow(tiles) {
			eight(y, ld, m, plane, rows, tiles)
			return
		}
		sixteen(y, ld, m, plane, rows, tiles)
	}
}
