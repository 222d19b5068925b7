//go:build amd64 && !noasm

package kernel

import "golang.org/x/sys/cpu"

func init() {
	if cpu.X86.HasAVX2 && cpu.X86.HasFMA {
		Peak = fmaPeakAVX2
		best = Set{
			Name: "avx2",
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
			Dots:         dots,
			Update:       update,

			LRNForward: lrnForward,
			LRNTerms:   lrnTerms,
			LRNCombine: lrnCombine,

			MaxPool: maxPool,

			Winograd: []Filter{
				{3, winogradWeights3AVX2, winogradInput3AVX2, winogradOutput3AVX2, winogradGradient3AVX2, winogradWeightGradient3AVX2},
				{5, winogradWeights5AVX2, winogradInput5AVX2, winogradOutput5AVX2, winogradGradient5AVX2, winogradWeightGradient5AVX2},
			},
		}
	}
}
