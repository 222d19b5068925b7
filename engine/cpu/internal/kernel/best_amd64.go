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

			WinogradWeights:  winogradWeightsAVX2,
			WinogradInput:    winogradInputAVX2,
			WinogradOutput:   winogradOutputAVX2,
			WinogradGradient: winogradGradientAVX2,
		}
	}
}
