package engine

import (
	"math"
	"testing"
)

// SplitMix64's published outputs for the seed 0 (Vigna's reference program).
func TestMix64(t *testing.T) {
	for i, want := range []uint64{0xe220a8397b1dcdaf, 0x6e789e6aa1b965f4, 0x06c45d188009454f} {
		if got := mix64(uint64(i+1) * golden); got != want {
			t.Errorf("output %d is %#x, want %#x", i, got, want)
		}
	}
}

func TestDropoutRate(t *testing.T) {
	const n = 1 << 18
	for _, rate := range []float32{0, .25, .5, .9} {
		kept := 0
		key := DropoutKey(Step{Seed: 1, Number: 2}, 3)
		for i := range uint64(n) {
			if DropoutKeeps(key, i, rate) {
				kept++
			}
		}
		p := 1 - float64(rate)
		if sigma := math.Sqrt(n * p * (1 - p)); math.Abs(float64(kept)-n*p) > 4*sigma {
			t.Errorf("rate %g kept %d of %d, want %g ± %.0f", rate, kept, n, n*p, 4*sigma)
		}
	}
}

// Masks of different steps, seeds and layers are unrelated.
func TestDropoutKeysDiffer(t *testing.T) {
	seen := map[uint64]bool{}
	for seed := range uint64(8) {
		for number := range uint64(8) {
			for layer := range uint64(8) {
				seen[DropoutKey(Step{Seed: seed, Number: number}, layer)] = true
			}
		}
	}
	if len(seen) != 512 {
		t.Errorf("%d keys of 512 are distinct", len(seen))
	}
}
