package augment

import (
	"math"
	"slices"
	"testing"
)

func TestNormalisationApply(t *testing.T) {
	pixels := []byte{0, 127, 255, 100, 200, 50} // two pixels
	for _, c := range []struct {
		name string
		n    Normalisation
		want []float32
	}{
		{"nothing", Normalisation{Deviation: [3]float64{1, 1, 1}}, []float32{0, 100, 127, 200, 255, 50}},
		{"mean", Normalisation{[3]float64{10, 20, 30}, [3]float64{1, 1, 1}}, []float32{-10, 90, 107, 180, 225, 20}},
		{"both", Normalisation{[3]float64{10, 20, 30}, [3]float64{2, 4, 5}}, []float32{-5, 45, 26.75, 45, 45, 4}},
		{"half", Half, []float32{-1, -27.5 / 127.5, -0.5 / 127.5, 72.5 / 127.5, 1, -77.5 / 127.5}},
		// torchvision.transforms.v2.functional.normalize of the same, float64, to seven digits
		{"imagenet", ImageNet, []float32{-2.1179039, -0.4054286, 0.1876751, 1.4656863, 2.6399999, -0.9329847}},
	} {
		got := make([]float32, len(pixels))
		c.n.Apply(got, pixels)
		for i := range got {
			if math.Abs(float64(got[i]-c.want[i])) > 1e-6 {
				t.Errorf("%s: %v, want %v", c.name, got, c.want)
				break
			}
		}
	}
}

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

func TestNormalisationOf(t *testing.T) {
	var s Sums
	s.Add([]byte{0, 10, 7, 4, 20, 7})
	want := Normalisation{[3]float64{2, 15, 7}, [3]float64{2, 5, 1}}
	if got := NormalisationOf(s); got != want {
		t.Errorf("%v, want %v", got, want)
	}
	for c, d := range ImageNet.Deviation {
		if f := ImageNet.Factor() * d; math.Abs(f-1) > 0.014 {
			t.Errorf("channel %d: factor times deviation %v", c, f)
		}
	}
	if !slices.Equal([]float64{Half.Factor()}, []float64{1 / 127.5}) {
		t.Errorf("factor %v", Half.Factor())
	}
}
