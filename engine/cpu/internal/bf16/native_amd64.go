//go:build amd64 && !noasm

package bf16

import (
	"math"
	"unsafe"

	"golang.org/x/sys/cpu"
)

var assembly = []*Set{&avx512, &amx}

// hasBF16 reports whether the processor has AVX-512 with its bfloat16 instructions.
func hasBF16() bool {
	x := &cpu.X86
	return x.HasAVX512F && x.HasAVX512BW && x.HasAVX512VL && x.HasAVX512DQ && x.HasAVX512BF16
}

// avx512 is the set of AVX512_BF16.
var avx512 = Set{
	Name:      "avx512",
	Needs:     "AVX512_BF16",
	Supported: hasBF16,

	Heights:  portableHeights,
	Step:     1,
	Gemm:     gemmAVX512,
	Peak:     peakAVX512,
	PeakFLOP: 28 * 16 * 4,

	TurnPairs:  turnPairs,
	TurnWords:  turnWords,
	Interleave: interleave,

	Narrow:       func(dst []uint16, src []float32) { narrowAVX512(first(dst[:len(src)]), first(src), len(src)) },
	Widen:        func(dst []float32, src []uint16) { widenAVX512(first(dst[:len(src)]), first(src), len(src)) },
	Finish:       finish,
	ReLUBackward: reluBackward,
	AddWide:      func(sum []float32, x []uint16) { addWideAVX512(first(sum), first(x[:len(sum)]), len(sum)) },
	Scale:        func(y, x []uint16, factor float32) { scaleAVX512(first(y[:len(x)]), first(x), len(x), factor) },
	ColumnSums:   columnSums,
	Update:       update,
	Input:        input,

	Squares: func(sq *float32, ldq int, x *uint16, ldx int, rows, n int) {
		squaresAVX512(sq, 4*ldq, x, 2*ldx, rows, n)
	},
	LRNForward: func(y, x *uint16, ldx int, sq *float32, ldq int, rows, n, size int, k, alpha float32) {
		lrnForwardAVX512(y, x, 2*ldx, sq, 4*ldq, rows, n, size, k, alpha)
	},
	LRNTerms: func(ratio, direct *float32, ldr int, x, dy *uint16, ldx int, sq *float32, ldq int, rows, n, size int, k, alpha float32) {
		lrnTermsAVX512(ratio, direct, 4*ldr, x, dy, 2*ldx, sq, 4*ldq, rows, n, size, k, alpha)
	},
	LRNCombine: func(dx, x *uint16, ldx int, ratio, direct *float32, ldr int, rows, n, size int, factor float32) {
		lrnCombineAVX512(dx, x, 2*ldx, ratio, direct, 4*ldr, rows, n, size, factor)
	},

	MaxPool: func(y *uint16, at *byte, x *uint16, w PoolWindow, n int) {
		maxPoolAVX512(y, at, x, 2*w.Pitch, 2*w.Step, w.Rows, w.Columns, w.First, w.Skip, n)
	},
	Gather: func(dx, dy *uint16, at *byte, sources []Source, n int) {
		gatherAVX512(dx, dy, at, first(sources), len(sources), n)
	},
}

func first[T any](s []T) *T { return unsafe.SliceData(s) }

// tiles are the products by width and height.
var tiles = [4][15]func(p *Product){
	1: {1: gemm1x16AVX512, 4: gemm4x16AVX512, 8: gemm8x16AVX512, 12: gemm12x16AVX512, 13: gemm13x16AVX512, 14: gemm14x16AVX512},
	2: {1: gemm1x32AVX512, 4: gemm4x32AVX512, 8: gemm8x32AVX512, 12: gemm12x32AVX512, 13: gemm13x32AVX512, 14: gemm14x32AVX512},
	3: {1: gemm1x48AVX512, 4: gemm4x48AVX512, 7: gemm7x48AVX512, 8: gemm8x48AVX512, 9: gemm9x48AVX512},
}

func gemmAVX512(p *Product) {
	tile := tiles[p.Vectors][p.Height]
	a, c := p.A, p.C
	for _, g := range p.Groups {
		p.A, p.C = unsafe.Add(a, g.A), unsafe.Add(c, g.C)
		tile(p)
	}
	p.A, p.C = a, c
}

func turnPairs(dst *uint32, ldd int, src *uint16, lds int, rows, n int) {
	whole := n / 32
	for r := 0; r < rows; r += 16 {
		at, from := At(dst, r), At(src, r*lds)
		if r+16 > rows || whole == 0 {
			turnPairsGo(at, ldd, from, lds, min(16, rows-r), n)
			continue
		}
		turnPairsAVX512(at, 4*ldd, from, 2*lds, whole)
		turnPairsGo(At(at, 16*whole*ldd), ldd, At(from, 32*whole), lds, 16, n-32*whole)
	}
}

func turnWords(dst *uint16, ldd int, src *uint16, lds int, rows, columns int) {
	whole := rows / 32
	for c := 0; c < columns; c += 16 {
		at, from := At(dst, c*ldd), At(src, c)
		if c+16 > columns || whole == 0 {
			turnWordsGo(at, ldd, from, lds, rows, min(16, columns-c))
			continue
		}
		turnWordsAVX512(at, 2*ldd, from, 2*lds, whole)
		turnWordsGo(At(at, 32*whole), ldd, At(from, 32*whole*lds), lds, rows-32*whole, 16)
	}
}

func interleave(dst *uint32, ldd int, src *uint16, lds int, rows, n int) {
	interleaveAVX512(dst, 4*ldd, src, 2*lds, rows/2, n)
	if rows%2 != 0 {
		interleaveGo(At(dst, rows/2*ldd), ldd, At(src, (rows-1)*lds), lds, 1, n)
	}
}

func finish(y *uint16, ldy int, c *float32, ldc int, bias []float32, rows int, relu bool) {
	low := float32(math.Inf(-1))
	if relu {
		low = 0
	}
	finishAVX512(y, 2*ldy, c, 4*ldc, first(bias), rows, len(bias), low)
}

func reluBackward(y, dy, dx []uint16) {
	reluBackwardAVX512(first(y), first(dy[:len(y)]), first(dx[:len(y)]), len(y))
}

// columnSums adds some rows at a time. They stay in cache while all columns are
// added.
func columnSums(sum []float32, x *uint16, ld, rows int) {
	done := 0
	for rows-done >= 4 {
		n := min(64, (rows-done)&^3)
		columnSumsAVX512(first(sum), At(x, done*ld), 2*ld, n, len(sum))
		done += n
	}
	if done < rows {
		columnSumsGo(sum, At(x, done*ld), ld, rows-done)
	}
}

func update(high, low []uint16, v, g []float32, momentum, decay, rate float32) {
	n := len(high)
	updateAVX512(first(high), first(low[:n]), first(v[:n]), first(g[:n]), n, momentum, decay, rate)
}

func input(y []uint16, pixels []byte, mean []float32, colour *[48]float32, scale float32) {
	n := len(y) / 48 * 48
	if n > 0 {
		inputAVX512(&y[0], &pixels[0], &mean[0], &colour[0], n, scale)
	}
	inputGo(y[n:], pixels[n:], mean[n:], colour, scale)
}
