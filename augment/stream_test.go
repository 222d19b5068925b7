package augment

import (
	"math"
	"testing"
)

// TestStreamGolden pins the numbers: a run that is resumed with another build,
// or on another machine, must go on with the same ones.
func TestStreamGolden(t *testing.T) {
	// SplitMix64 from state 0, the published reference sequence.
	s := Stream{}
	for i, want := range []uint64{0xe220a8397b1dcdaf, 0x6e789e6aa1b965f4, 0x06c45d188009454f} {
		if got := s.Uint64(); got != want {
			t.Errorf("SplitMix64 number %d: %#x, want %#x", i, got, want)
		}
	}
	for _, c := range readGolden(t).Streams {
		s := NewStream(c.Seed, c.Epoch, c.Sample)
		v := RandomView(&s, 256, 224)
		if want := (View{c.X, c.Y, c.Flip}); v != want {
			t.Errorf("stream(%d, %d, %d): view %+v, want %+v", c.Seed, c.Epoch, c.Sample, v, want)
		}
		for i, want := range c.Norm {
			// Python's logarithm may differ from ours in the last place.
			if got := s.Norm(); math.Abs(got-want) > 4e-16*max(math.Abs(want), 1) {
				t.Errorf("stream(%d, %d, %d): normal number %d is %v, want %v", c.Seed, c.Epoch, c.Sample, i, got, want)
			}
		}
	}
	s = NewStream(12345, 7, 99)
	RandomView(&s, 256, 224)
	if got := math.Float64bits(s.Norm()); got != 0xbfe94c46689a66e0 {
		t.Errorf("normal number %#x, want 0xbfe94c46689a66e0", got)
	}
}

func TestStreamsDiffer(t *testing.T) {
	seen := map[uint64][3]uint64{}
	for seed := range uint64(8) {
		for epoch := range uint64(8) {
			for sample := range uint64(64) {
				s := NewStream(seed, epoch, sample)
				key := [3]uint64{seed, epoch, sample}
				x := s.Uint64()
				if other, ok := seen[x]; ok {
					t.Fatalf("streams %v and %v begin with the same number", key, other)
				}
				seen[x] = key
			}
		}
	}
}

// TestIntNUniform is a χ² test with 32 degrees of freedom; the 99.9999th
// percentile is 84.8 (Wilson–Hilferty).
func TestIntNUniform(t *testing.T) {
	const n, draws = 33, 330_000
	var count [n]int
	for i := range draws {
		s := NewStream(1, 2, uint64(i))
		count[s.IntN(n)]++
	}
	chi := 0.0
	for _, c := range count {
		d := float64(c) - draws/n
		chi += d * d / (draws / n)
	}
	if limit := chiSquareLimit(n-1, 4.7534); chi > limit {
		t.Errorf("χ² = %.1f > %.1f over %v", chi, limit, count)
	}
}

// chiSquareLimit is the χ² quantile at z standard deviations of the normal
// distribution (Wilson and Hilferty's cube-root approximation).
func chiSquareLimit(degrees, z float64) float64 {
	a := 2 / (9 * degrees)
	return degrees * math.Pow(1-a+z*math.Sqrt(a), 3)
}

// TestNormMoments compares mean, variance, skewness and kurtosis of first,
// second and third draws with their standard errors.
func TestNormMoments(t *testing.T) {
	const n = 200_000
	var m [3][4]float64
	var cross [3]float64
	for i := range n {
		s := NewStream(3, 1, uint64(i))
		v := [3]float64{s.Norm(), s.Norm(), s.Norm()}
		for k, x := range v {
			m[k][0] += x
			m[k][1] += x * x
			m[k][2] += x * x * x
			m[k][3] += x * x * x * x
		}
		cross[0] += v[0] * v[1]
		cross[1] += v[0] * v[2]
		cross[2] += v[1] * v[2]
	}
	// E xᵏ and the variance of xᵏ for a standard normal number.
	want := [4]float64{0, 1, 0, 3}
	variance := [4]float64{1, 2, 15, 96}
	for k := range m {
		for p := range m[k] {
			if z := (m[k][p]/n - want[p]) / math.Sqrt(variance[p]/n); math.Abs(z) > 4.75 {
				t.Errorf("draw %d, moment %d: %.4f, want %g; %.1f standard errors off", k, p+1, m[k][p]/n, want[p], z)
			}
		}
		if z := cross[k] / n * math.Sqrt(n); math.Abs(z) > 4.75 {
			t.Errorf("products of draws, pair %d: mean %.4f, want 0; %.1f standard errors off", k, cross[k]/n, z)
		}
	}
}

func TestPortableLog(t *testing.T) {
	s := NewStream(0, 0, 0)
	worst := 0.0
	for range 100_000 {
		x := s.Float64()*2 + 0x1p-60
		want := math.Log(x)
		ulp := math.Nextafter(math.Abs(want), math.Inf(1)) - math.Abs(want)
		worst = max(worst, math.Abs(portableLog(x)-want)/ulp)
	}
	if worst > 3 { // two of ours and one of math.Log's
		t.Errorf("%.1f units in the last place from math.Log", worst)
	}
	for _, x := range []float64{1, 0x1p-104, 0x1p-53, 0.5, math.Nextafter(1, 0)} {
		if got, want := portableLog(x), math.Log(x); math.Abs(got-want) > 4e-16*math.Abs(want) {
			t.Errorf("log %g = %v, want %v", x, got, want)
		}
	}
}

func TestIntNPanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("IntN(0) returned")
		}
	}()
	new(Stream).IntN(0)
}
