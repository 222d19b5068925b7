package bf16

// portable is the set written in Go alone.
var portable = Set{
	Name:      "portable",
	Needs:     "nothing",
	Supported: func() bool { return true },

	Heights: portableHeights,
	Step:    1,
	Gemm:    gemmGo,

	TurnPairs:  turnPairsGo,
	TurnWords:  turnWordsGo,
	Interleave: interleaveGo,

	Narrow:       narrowGo,
	Widen:        widenGo,
	Finish:       finishGo,
	ReLUBackward: reluBackwardGo,
	AddWide:      addWideGo,
	Scale:        scaleGo,
	ColumnSums:   columnSumsGo,
	Update:       updateGo,
	Input:        inputGo,

	Squares:    squaresGo,
	LRNForward: lrnForwardGo,
	LRNTerms:   lrnTermsGo,
	LRNCombine: lrnCombineGo,

	MaxPool: maxPoolGo,
	Gather:  gatherGo,
}
