package kernel

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// slack is how far a packing kernel may read or write beyond what it is asked
// for: guards lie behind it.
func slack(set *Set) int { return set.Lanes * set.NR }

// TestPackCopy checks every value of rows of runs, over lengths around the
// vectors' and unaligned starts.
func TestPackCopy(t *testing.T) {
	for _, set := range Usable() {
		for _, length := range []int{1, 3, 7, 8, 9, 13, 15, 16, 17, 27, 55} {
			for _, runs := range []int{1, 2, 5} {
				t.Run(fmt.Sprintf("%s/length=%d/runs=%d", set.Name, length, runs), func(t *testing.T) {
					const k = 3
					rng := rand.New(rand.NewPCG(1, uint64(length)))
					ld, stride := runs*length+runs%3, length+2
					src := random(rng, 40+runs*stride+slack(set))
					offsets := []int{17, 0, 40}
					dst := guarded(k*ld + slack(set))
					set.PackCopy(&dst[1], ld, &src[0], &offsets[0], k, runs, length, stride)
					for p, offset := range offsets {
						for x := range runs * length {
							want := src[offset+x/length*stride+x%length]
							if got := dst[1+p*ld+x]; got != want {
								t.Fatalf("row %d, value %d: %v, want %v", p, x, got, want)
							}
						}
					}
					checkGuards(t, dst, 1, k*ld+set.Lanes)
				})
			}
		}
	}
}

// TestPackTranspose checks every value of turned runs, in panels of A (rows
// that overlap) and of B.
func TestPackTranspose(t *testing.T) {
	for _, set := range Usable() {
		for _, ld := range []int{set.MR, set.TransposeRows, set.NR} {
			for _, length := range []int{1, 3, 7, 8, 9, 13, 16, 17, 27} {
				for _, runs := range []int{1, 2, 5} {
					t.Run(fmt.Sprintf("%s/ld=%d/length=%d/runs=%d", set.Name, ld, length, runs), func(t *testing.T) {
						rng := rand.New(rand.NewPCG(2, uint64(length)))
						stride := length + 3
						src := random(rng, 90+runs*stride+slack(set))
						offsets := []int{90, 0, 31, 31, 7, 2, 64, 11, 5, 1, 77, 90, 3, 8, 40, 12}[:set.TransposeRows]
						dst := guarded((runs*length+set.Lanes)*ld + set.Lanes)
						set.PackTranspose(&dst[1], ld, &src[0], &offsets[0], runs, length, stride)
						for i, offset := range offsets[:min(set.TransposeRows, ld)] {
							for x := range runs * length {
								want := src[offset+x/length*stride+x%length]
								if got := dst[1+x*ld+i]; got != want {
									t.Fatalf("row %d, column %d: %v, want %v", x, i, got, want)
								}
							}
						}
						checkGuards(t, dst, 1, (runs*length+set.Lanes-1)*ld+set.Lanes)
					})
				}
			}
		}
	}
}

func TestPackPanels(t *testing.T) {
	for _, set := range Usable() {
		const k, panels = 5, 3
		NR := set.NR
		ld := panels*NR + 3
		src := random(rand.New(rand.NewPCG(3, 3)), k*ld+1)[1:]
		dst := guarded(panels * k * NR)
		set.PackPanels(&dst[1], k*NR, &src[0], ld, k, panels)
		for p := range k {
			for x := range panels * NR {
				if got, want := dst[1+x/NR*k*NR+p*NR+x%NR], src[p*ld+x]; got != want {
					t.Fatalf("%s: row %d, column %d: %v, want %v", set.Name, p, x, got, want)
				}
			}
		}
		checkGuards(t, dst, 1, panels*k*NR)
	}
}

func TestSplit(t *testing.T) {
	for _, set := range Usable() {
		for _, stride := range []int{1, 2, 3, 4} {
			for _, phase := range []int{1, 7, 8, 9, 15, 16, 17, 57} {
				src := random(rand.New(rand.NewPCG(4, 4)), stride*phase+1)[1:]
				dst := guarded(stride * phase)
				set.Split(&dst[1], &src[0], stride, phase)
				for i, want := range src {
					if got := dst[1+i%stride*phase+i/stride]; got != want {
						t.Fatalf("%s: stride %d, phase of %d: pixel %d is %v, want %v", set.Name, stride, phase, i, got, want)
					}
				}
				checkGuards(t, dst, 1, stride*phase)
			}
		}
	}
}

// guarded makes n floats between guard values: one before, sixteen behind.
func guarded(n int) []float32 {
	x := make([]float32, 1+n+16)
	for i := range x {
		x[i] = guard
	}
	return x
}

// checkGuards reports a write outside n elements from first.
func checkGuards(t *testing.T, x []float32, first, n int) {
	t.Helper()
	for i, v := range x {
		if (i < first || i >= first+n) && v != guard {
			t.Fatalf("element %d, outside %d to %d, became %v", i, first, first+n, v)
		}
	}
}
