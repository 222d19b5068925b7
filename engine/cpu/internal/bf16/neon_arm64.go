//go:build !noasm

package bf16

import "unsafe"

var assembly = []*Set{&neon}

// neon has products on arm64's BFDOT, which rounds sums to odd; the rest is portable.
var neon = func() Set {
	s := portable
	s.Name, s.Needs = "neon", "NEON with BF16's instructions"
	s.Supported = hasBF16
	s.Heights = [4][]int{1: {6, 4, 2, 1}, 2: {3, 2, 1}, 3: {2, 1}}
	s.Gemm = gemmNEON
	s.Peak, s.PeakFLOP = peakNEON, 24*4*4
	return s
}()

// neonTiles are the products by width and height.
var neonTiles = [4][7]func(p *Product){
	1: {1: gemm1x16NEON, 2: gemm2x16NEON, 4: gemm4x16NEON, 6: gemm6x16NEON},
	2: {1: gemm1x32NEON, 2: gemm2x32NEON, 3: gemm3x32NEON},
	3: {1: gemm1x48NEON, 2: gemm2x48NEON},
}

func gemmNEON(p *Product) {
	tile := neonTiles[p.Vectors][p.Height]
	a, c := p.A, p.C
	for _, g := range p.Groups {
		p.A, p.C = unsafe.Add(a, g.A), unsafe.Add(c, g.C)
		tile(p)
	}
	p.A, p.C = a, c
}
