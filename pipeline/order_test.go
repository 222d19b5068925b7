package pipeline

import (
	"math"
	"slices"
	"testing"
)

// TestOrderPinned holds the orders fixed: a run that is resumed with a later
// build must go on with the same one.
func TestOrderPinned(t *testing.T) {
	for _, c := range []struct {
		seed, epoch uint64
		n           int
		want        []uint32
	}{
		{0, 0, 0, []uint32{}},
		{0, 0, 1, []uint32{0}},
		{0, 0, 8, []uint32{3, 4, 1, 0, 6, 7, 2, 5}},
		{0, 1, 8, []uint32{0, 3, 4, 5, 1, 6, 7, 2}},
		{1, 0, 8, []uint32{0, 5, 1, 7, 6, 4, 2, 3}},
	} {
		if got := Order(c.seed, c.epoch, c.n); !slices.Equal(got, c.want) {
			t.Errorf("Order(%d, %d, %d) = %v, want %v", c.seed, c.epoch, c.n, got, c.want)
		}
	}
}

func TestOrderIsPermutation(t *testing.T) {
	for _, n := range []int{2, 3, 10, 1000, 65537} {
		order := Order(7, 3, n)
		slices.Sort(order)
		for i, v := range order {
			if v != uint32(i) {
				t.Fatalf("n = %d: %d is missing or there twice", n, i)
			}
		}
	}
}

// TestOrderUniform counts all 120 orders of five samples over many epochs: a χ²
// test with 119 degrees of freedom.
func TestOrderUniform(t *testing.T) {
	const per = 500
	count := map[[5]uint32]int{}
	for epoch := range uint64(120 * per) {
		count[[5]uint32(Order(1, epoch, 5))]++
	}
	if len(count) != 120 {
		t.Errorf("%d different orders, want 120", len(count))
	}
	chi := 0.0
	for _, c := range count {
		chi += float64((c-per)*(c-per)) / per
	}
	// Wilson and Hilferty's quantile at 4.75 standard deviations (one in a million).
	a := 2.0 / (9 * 119)
	if limit := 119 * math.Pow(1-a+4.75*math.Sqrt(a), 3); chi > limit {
		t.Errorf("χ² = %.0f > %.0f", chi, limit)
	}
}

// BenchmarkOrder makes an order of ImageNet's size.
func BenchmarkOrder(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		Order(1, 2, 1_281_167)
	}
}
