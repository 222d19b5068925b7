package augment

import (
	"slices"
	"testing"
)

func TestFactorsApply(t *testing.T) {
	const one = 1 << 16
	for _, c := range []struct {
		name      string
		f         Factors
		rgb, want []byte
	}{
		{"nothing", Factors{one, one, one}, []byte{1, 2, 3, 250, 128, 0}, []byte{1, 2, 3, 250, 128, 0}},
		{"half as bright", Factors{one / 2, one, one}, []byte{0, 1, 100, 255, 200, 3}, []byte{0, 1, 50, 128, 100, 2}},
		{"twice as bright", Factors{2 * one, one, one}, []byte{0, 1, 100, 255, 200, 3}, []byte{0, 2, 200, 255, 255, 6}},
		{"no contrast", Factors{one, 0, one}, []byte{100, 100, 100, 200, 200, 200}, []byte{150, 150, 150, 150, 150, 150}},
		{"twice the contrast", Factors{one, 2 * one, one}, []byte{100, 100, 100, 200, 200, 200}, []byte{50, 50, 50, 250, 250, 250}},
		{"no colour", Factors{one, one, 0}, []byte{255, 0, 0, 0, 255, 0, 0, 0, 255}, []byte{77, 77, 77, 149, 149, 149, 29, 29, 29}},
		{"half the colour", Factors{one, one, one / 2}, []byte{200, 100, 100}, []byte{165, 115, 115}},
		{"no pixels", Factors{2 * one, 2 * one, 2 * one}, nil, nil},
	} {
		got := slices.Clone(c.rgb)
		c.f.Apply(got)
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestJitterDraw(t *testing.T) {
	j := Jitter{Brightness: 0.5, Saturation: 1}
	var mean [2]float64
	const n = 10_000
	for i := range n {
		s := NewStream(1, 1, uint64(i))
		f := j.Draw(&s)
		if f.Contrast != 1<<16 || f.Brightness < 1<<15 || f.Brightness > 3<<15 || f.Saturation < 0 || f.Saturation > 2<<16 {
			t.Fatalf("factors %+v", f)
		}
		mean[0] += float64(f.Brightness) / (n * 65536)
		mean[1] += float64(f.Saturation) / (n * 65536)
	}
	for _, m := range mean { // standard errors 0.003 and 0.006
		if m < 0.975 || m > 1.025 {
			t.Errorf("mean factors %v, want 1", mean)
		}
	}
}

func TestJitterValid(t *testing.T) {
	if (Jitter{0, 0.4, 1}).Validate() != nil || (Jitter{Contrast: -0.1}).Validate() == nil || (Jitter{Brightness: 1.1}).Validate() == nil {
		t.Error("Validate is wrong")
	}
}
