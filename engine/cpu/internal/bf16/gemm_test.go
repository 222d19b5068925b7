package bf16_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"unsafe"

	. "alexnet/engine/cpu/internal/bf16"
	"alexnet/engine/cpu/internal/trap"
)

// everySet runs a test over all sets, AMX emulated where the processor lacks it.
func everySet(t *testing.T, f func(t *testing.T, s *Set)) {
	t.Run("amx", func(t *testing.T) {
		trap.AMX(t)
		for _, s := range Usable() {
			if s.Name == "amx" {
				f(t, s)
			}
		}
	})
	for _, s := range Usable() {
		if s.Name != "amx" {
			t.Run(s.Name, func(t *testing.T) { f(t, s) })
		}
	}
}

// portable is the set that others are compared with.
var portable = Usable()[0]

// numbers are n bfloat16s of mixed size; with special, some that aren't finite,
// denormals and zeros among them.
func numbers(rng *rand.Rand, n int, special bool) []uint16 {
	x := make([]uint16, n)
	for i := range x {
		x[i] = Round(float32(rng.NormFloat64() * math.Exp2(float64(rng.IntN(9)-4))))
		if special && rng.IntN(8) == 0 {
			x[i] = []uint16{0, 0x8000, 0x7f80, 0xff80, 0x7fc0, 0x0001, 0x807f, 0x7f7f, 0xff7f}[rng.IntN(9)]
		}
	}
	return x
}

// product is a Product with what it reads and writes.
type product struct {
	Product
	a, b     []uint16
	c        []float32
	segments []Segment
}

const guard = -7777

// newProduct lays out groups, which overlap nowhere, of rows with gaps between them.
func newProduct(rng *rand.Rand, height, vectors, groups, pairs, count int, special bool) *product {
	lda, ldb, ldc := 2*pairs*count+6, 32*vectors+8, 16*vectors+3
	p := &product{a: numbers(rng, groups*height*lda, special), b: numbers(rng, (pairs*count+2)*ldb, special)}
	p.c = make([]float32, groups*height*ldc)
	for i := range p.c {
		p.c[i] = guard
		if i%ldc < 16*vectors {
			p.c[i] = float32(rng.NormFloat64())
		}
	}
	for s := range count {
		p.segments = append(p.segments, Segment{4 * pairs * (count - 1 - s), 2 * ldb * (pairs*s + s%2)})
	}
	p.Product = Product{C: unsafe.Pointer(&p.c[0]), LDC: 4 * ldc, A: unsafe.Pointer(&p.a[0]), LDA: 2 * lda,
		B: unsafe.Pointer(&p.b[0]), LDB: 2 * ldb, Segments: &p.segments[0], Count: count, Pairs: pairs, Vectors: vectors, Height: height}
	for g := range groups {
		p.Groups = append(p.Groups, Group{2 * lda * height * g, 4 * ldc * height * g})
	}
	return p
}

// TestGemm holds every set, over heights, widths and depths, to a bound in float64:
// every product is exact, and every addition, of which there are as many as factors
// and one more, rounds by at most 2⁻²⁴ of the sum of sizes. Nothing else in C may
// change.
func TestGemm(t *testing.T) {
	everySet(t, func(t *testing.T, s *Set) {
		for vectors := 1; vectors <= 3; vectors++ {
			for i, height := range s.Heights[vectors] {
				for _, groups := range []int{1, 2, 3} {
					pairs, count := []int{1, 7, 16, 24, 33, 12}[(i+groups)%6], 1+(i+vectors)%3
					name := fmt.Sprintf("%d×%d groups=%d pairs=%d segments=%d", height, vectors, groups, pairs, count)
					rng := rand.New(rand.NewPCG(uint64(i), uint64(groups*pairs)))
					p := newProduct(rng, height, vectors, groups, pairs, count, false)
					p.Accumulate = (i + groups) % 2
					before := slices.Clone(p.c)
					s.Gemm(&p.Product)
					p.check(t, name, before, s.Name == "neon")
				}
			}
		}
	})
}

func (p *product) check(t *testing.T, name string, before []float32, odd bool) {
	t.Helper()
	ldc, lda, ldb := p.LDC/4, p.LDA/2, p.LDB/2
	for i, got := range p.c {
		r, c := i/ldc, i%ldc
		if c >= 16*p.Vectors {
			if got != guard {
				t.Fatalf("%s: row %d has %v behind its end", name, r, got)
			}
			continue
		}
		var want, size float64
		if p.Accumulate != 0 {
			want, size = float64(before[i]), math.Abs(float64(before[i]))
		}
		for _, s := range p.segments {
			for k := range 2 * p.Pairs {
				term := float64(Float(p.a[r*lda+s.A/2+k])) * float64(Float(p.b[s.B/2+k/2*ldb+2*c+k%2]))
				want += term
				size += math.Abs(term)
			}
		}
		bound := float64(2*p.Pairs*p.Count+2) * size / (1 << 24)
		if odd { // BFDOT rounds to odd, by up to 2⁻²³
			bound *= 2
		}
		if !(math.Abs(float64(got)-want) <= bound) {
			t.Fatalf("%s: C[%d,%d] is %v, want %v ± %g", name, r, c, got, want, bound)
		}
	}
}

// TestGemmBits compares the portable kernel with AVX512_BF16's bit by bit, special
// numbers included, and AMX's with the sums in the order of Intel's manual: what a
// tile takes at a time is summed from 0, evens and odds apart.
func TestGemmBits(t *testing.T) {
	everySet(t, func(t *testing.T, s *Set) {
		for _, height := range s.Heights[2] {
			p := newProduct(rand.New(rand.NewPCG(3, uint64(height))), height, 2, 2, 24, 2, true)
			p.Accumulate = 1
			before := slices.Clone(p.c)
			s.Gemm(&p.Product)
			got := slices.Clone(p.c)
			copy(p.c, before)
			if s.Name == "amx" {
				p.tiles(12)
			} else {
				portable.Gemm(&p.Product)
			}
			for i, want := range p.c {
				if special := math.IsInf(float64(want), 0) || want != want; s.Name == "neon" && !special && !math.IsInf(float64(got[i]), 0) && got[i] == got[i] {
					continue // TestGemm has its bound: BFDOT rounds otherwise
				}
				if math.Float32bits(got[i]) != math.Float32bits(want) && !(got[i] != got[i] && want != want) {
					t.Fatalf("height %d: element %d is %v (%#x), want %v (%#x)", height, i, got[i], math.Float32bits(got[i]), want, math.Float32bits(want))
				}
			}
		}
	})
}

// tiles is Gemm as tiles of so many pairs do it.
func (p *product) tiles(step int) {
	ldc, lda, ldb := p.LDC/4, p.LDA/2, p.LDB/2
	number := func(u uint16) float64 {
		if u&0x7f80 == 0 {
			return float64(Float(u & 0x8000))
		}
		return float64(Float(u))
	}
	flush := func(v float32) float32 {
		if b := math.Float32bits(v); b&0x7f800000 == 0 {
			return math.Float32frombits(b & 0x80000000)
		}
		return v
	}
	for i := range p.c {
		r, c := i/ldc, i%ldc
		if c >= 32 {
			continue
		}
		sum := flush(p.c[i])
		for _, s := range p.segments {
			for k := 0; k < p.Pairs; k += step {
				var part [2]float32
				for j := k; j < k+step; j++ {
					for h := range 2 {
						// The product has 16 bits and the sum 24: one rounding to float64
						// changes nothing that one to float32 keeps, but for ties.
						part[h] = flush(float32(math.FMA(number(p.a[r*lda+s.A/2+2*j+h]), number(p.b[s.B/2+j*ldb+2*c+h]), float64(part[h]))))
					}
				}
				sum = flush(sum + flush(part[0]+part[1]))
			}
		}
		p.c[i] = sum
	}
}

// BenchmarkGemm measures a product in cache, and Peak's rate beside it.
func BenchmarkGemm(b *testing.B) {
	for _, s := range Usable() {
		for vectors := 2; vectors <= 3; vectors++ {
			b.Run(fmt.Sprintf("%s/%d", s.Name, vectors), func(b *testing.B) {
				p := newProduct(rand.New(rand.NewPCG(1, 1)), s.Heights[vectors][0], vectors, 2, 64, 1, false)
				for b.Loop() {
					s.Gemm(&p.Product)
				}
				flop := 4 * float64(p.Height*2*16*vectors*64)
				b.ReportMetric(flop*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
			})
		}
		if s.Peak != nil {
			b.Run(s.Name+"/peak", func(b *testing.B) {
				for b.Loop() {
					s.Peak(10000)
				}
				b.ReportMetric(10000*float64(s.PeakFLOP)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
			})
		}
	}
}
