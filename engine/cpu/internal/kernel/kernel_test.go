package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// TestGemm compares the kernels with sums in float64, over depths around the
// unrolling, leading dimensions and alignments, and looks for writes beyond C.
func TestGemm(t *testing.T) {
	for _, set := range Usable() {
		for _, k := range []int{1, 2, 3, 4, 5, 7, 8, 31, 256} {
			for _, extra := range []int{0, 1, 5} {
				for _, accumulate := range []bool{false, true} {
					name := fmt.Sprintf("%s/k=%d/extra=%d/accumulate=%v", set.Name, k, extra, accumulate)
					t.Run(name, func(t *testing.T) {
						checkGemm(t, set, set.Gemm, set.NR, k, extra, accumulate)
						if set.GemmHalf != nil {
							checkGemm(t, set, set.GemmHalf, set.NR/2, k, extra, accumulate)
						}
					})
				}
			}
		}
	}
}

// guard stands before and after what a kernel may write.
const guard = -7777

// checkGemm checks a kernel that computes so many columns of the set's tile.
func checkGemm(t *testing.T, set *Set, gemm func(k int, a, b, c *float32, ldc int, accumulate bool), columns, k, extra int, accumulate bool) {
	rng := rand.New(rand.NewPCG(uint64(k), uint64(extra)))
	MR, NR := set.MR, set.NR
	ldc := NR + 2*extra
	a := random(rng, k*MR+extra)[extra:]
	b := random(rng, k*NR+extra)[extra:]
	before := make([]float32, MR*ldc+2*NR)
	for i := range before {
		before[i] = guard
	}
	at := 3 + extra
	for i := range MR {
		copy(before[at+i*ldc:], random(rng, columns))
	}
	c := append([]float32(nil), before...)
	gemm(k, &a[0], &b[0], &c[at], ldc, accumulate)
	for i, v := range c {
		row, col := (i-at)/ldc, (i-at)%ldc
		if i < at || row >= MR || col >= columns {
			if v != guard {
				t.Fatalf("element %d outside the tile became %v", i, v)
			}
			continue
		}
		var want, size float64
		for p := range k {
			term := float64(a[p*MR+row]) * float64(b[p*NR+col])
			want += term
			size += math.Abs(term)
		}
		if accumulate {
			want += float64(before[i])
			size += math.Abs(float64(before[i]))
		}
		// Every one of the k+1 additions rounds by at most 2⁻²⁴ of the sum of sizes.
		if math.Abs(float64(v)-want) > float64(k+1)*size/(1<<24) {
			t.Fatalf("C[%d,%d] = %v, want %v", row, col, v, want)
		}
	}
}

func random(rng *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(rng.NormFloat64())
	}
	return x
}

// BenchmarkGemm measures one tile whose operands lie in the first-level cache.
func BenchmarkGemm(b *testing.B) {
	for _, set := range Usable() {
		b.Run(set.Name, func(b *testing.B) {
			k := set.Block.K
			x, y, c := make([]float32, k*set.MR), make([]float32, k*set.NR), make([]float32, set.MR*set.NR)
			fastest := time.Hour
			for range b.N {
				began := time.Now()
				set.Gemm(k, &x[0], &y[0], &c[0], set.NR, true)
				fastest = min(fastest, time.Since(began))
			}
			b.ReportMetric(float64(2*k*set.MR*set.NR)/float64(fastest.Nanoseconds()), "fastest-GFLOP/s")
			reportGFLOPs(b, float64(2*k*set.MR*set.NR))
		})
	}
}

// reportGFLOPs adds the rate of a benchmark whose turn takes flop operations.
func reportGFLOPs(b *testing.B, flop float64) {
	b.ReportMetric(flop*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
}

// TestGemmSpecial puts a NaN, infinities and products below the normal numbers into
// a tile: they reach the sums that they belong to and no others, and nothing is
// flushed to zero.
func TestGemmSpecial(t *testing.T) {
	for _, set := range Usable() {
		for _, half := range []bool{false, true} {
			gemm, columns := set.Gemm, set.NR
			if half {
				if gemm, columns = set.GemmHalf, set.NR/2; gemm == nil {
					continue
				}
			}
			const k = 5
			mr, nr := set.MR, set.NR
			a, b, c := make([]float32, k*mr), make([]float32, k*nr), make([]float32, mr*nr)
			for i := range a {
				a[i] = 0x1p-75
			}
			for i := range b {
				b[i] = 0x1p-70
			}
			a[2*mr+1] = nan          // in row 1
			a[3*mr+mr-1] = inf       // in the last row
			b[4*nr+columns-1] = -inf // in the last column
			gemm(k, &a[0], &b[0], &c[0], nr, false)
			for row := range mr {
				for col := range columns {
					var want float64
					for p := range k {
						want += float64(a[p*mr+row]) * float64(b[p*nr+col])
					}
					got := float64(c[row*nr+col])
					if got != want && !(math.IsNaN(got) && math.IsNaN(want)) {
						t.Fatalf("%s, %d columns: C[%d,%d] = %v, want %v", set.Name, columns, row, col, got, want)
					}
				}
			}
		}
	}
}
