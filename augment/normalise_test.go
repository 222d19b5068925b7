package augment

import (
	"math"
	"testing"
)

func TestParseNormalisation(t *testing.T) {
	for text, want := range map[string]Normalisation{
		"imagenet":         ImageNet,
		"half":             Half,
		"1, 2.5,255":       {[3]float64{1, 2.5, 255}, [3]float64{1, 1, 1}},
		"127.3,119.7,104.": {[3]float64{127.3, 119.7, 104}, [3]float64{1, 1, 1}},
	} {
		if got, err := ParseNormalisation(text); got != want || err != nil {
			t.Errorf("%q: %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "1,2", "1,2,3,4", "1,2,256", "-1,2,3", "NaN,1,1", "a,b,c"} {
		if got, err := ParseNormalisation(text); err == nil {
			t.Errorf("%q: %v", text, got)
		}
	}
}

// TestImageNet: torchvision's constants are for colours from 0 to 1.
func TestImageNet(t *testing.T) {
	mean, deviation := [3]float64{0.485, 0.456, 0.406}, [3]float64{0.229, 0.224, 0.225}
	for c := range 3 {
		if m, d := ImageNet.Mean[c]/255, ImageNet.Deviation[c]/255; math.Abs(m-mean[c]) > 1e-12 || math.Abs(d-deviation[c]) > 1e-12 {
			t.Errorf("channel %d: mean %g, deviation %g", c, m, d)
		}
	}
}
