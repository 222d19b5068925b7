package report

import (
	"bytes"
	"image/png"
	"testing"

	"alexnet/engine/train"
)

// TestRatesOfFewSteps: a search that ends after its first steps is drawn too.
func TestRatesOfFewSteps(t *testing.T) {
	for _, s := range []*train.RateSweep{
		{Rates: []float64{1e-6}, Losses: []float64{2}},
		{Rates: []float64{1e-6, 2e-6}, Losses: []float64{0, 0}},
		{Rates: []float64{1e-6}, Losses: []float64{3e38}},
	} {
		var b bytes.Buffer
		if err := Rates(&b, s); err != nil {
			t.Fatal(err)
		}
		if _, err := png.Decode(&b); err != nil {
			t.Errorf("%v: %v", s.Rates, err)
		}
	}
}
