//go:build amd64 && !noasm

package kernel

import "golang.org/x/sys/cpu"

// avx2 is the set of AVX2 and FMA: vectors of eight floats, of which a tile of
// 6×16 takes twelve of the sixteen registers.
var avx2 = Set{
	Name: "avx2", Needs: "AVX2 and FMA",
	Supported: func() bool { return cpu.X86.HasAVX2 && cpu.X86.HasFMA },

	MR: 6, NR: 16, Lanes: 8, TransposeRows: 8,
	// A panel of B takes 24 KB, a block of A 147 KB, one of B 344 KB.
	Block: Block{K: 384, M: 96, N: 224},

	Peak:     fmaPeakAVX2,
	PeakFLOP: 12 * 8 * 2, // twelve multiply-adds of eight floats

	Gemm: gemm6x16AVX2,

	PackCopy:      packCopyAVX2,
	PackTranspose: packTransposeAVX2,
	PackPanels:    packPanelsAVX2,
	Split:         split,

	AddBias:      addBias,
	ReLUBackward: reluBackward,
	Add:          add,
	Sum:          sum,
	Finite:       finite,
	Dots:         []Dots{dotsBy(2, 8, dots2AVX2), dotsBy(1, 16, dots1AVX2)},
	Update:       update,

	LRNForward: lrnForward,
	LRNTerms:   lrnTerms,
	LRNCombine: lrnCombine,

	MaxPool: maxPool,

	Winograd: []Filter{
		{3, 2, 0, winogradWeights3AVX2, winogradInput3AVX2, winogradOutput3AVX2, winogradGradient3AVX2, winogradWeightGradient3AVX2},
		{5, 2, 0, winogradWeights5AVX2, winogradInput5AVX2, winogradOutput5AVX2, winogradGradient5AVX2, winogradWeightGradient5AVX2},
		{3, 4, error4x3, winogradWeights4x3AVX2, winogradInput4x3AVX2, winogradOutput4x3AVX2, winogradGradient4x3AVX2, winogradWeightGradient4x3AVX2},
		{5, 4, error4x5, winogradWeights4x5AVX2, winogradInput4x5AVX2, winogradOutput4x5AVX2, winogradGradient4x5AVX2, winogradWeightGradient4x5AVX2},
	},
}
