package kernel

// portable is the set written in Go alone.
var portable = Go(Set{
	Name: "portable", Needs: "nothing", Supported: func() bool { return true },
	MR: 6, NR: 16, Lanes: 8, TransposeRows: 8,
	Block: Block{K: 384, M: 96, N: 224},
})

// Go completes a set that has its sizes with the portable kernels. Assembly
// kernels may then take their places, and tests compare these with the others.
func Go(s Set) Set {
	s.Gemm = gemmGo(s.MR, s.NR)

	s.PackCopy = packCopyGo
	s.PackTranspose = packTransposeGo(s.TransposeRows)
	s.PackPanels = packPanelsGo(s.NR)
	s.Split = splitGo

	s.AddBias = addBiasGo
	s.ReLUBackward = reluBackwardGo
	s.Add = addGo
	s.Sum = sumGo
	s.Finite = finiteGo
	s.Dots = []Dots{dotsGo(1)}
	s.Update = updateGo

	s.LRNForward = lrnForwardGo
	s.LRNTerms = lrnTermsGo
	s.LRNCombine = lrnCombineGo

	s.MaxPool = maxPoolGo

	s.Winograd = []Filter{filter3.portable(s.MR, 0), filter5.portable(s.MR, 0),
		filter4x3.portable(s.MR, error4x3), filter4x5.portable(s.MR, error4x5)}
	return s
}
