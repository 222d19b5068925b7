package augment

import (
	"math"
	"testing"
)

// TestResizedCropLimits draws many rectangles: all inside, none beyond the
// limits but for rounding to whole pixels, and every corner is reached.
func TestResizedCropLimits(t *testing.T) {
	const size, n = 256, 20_000
	var area, ratio float64
	for i := range n {
		s := NewStream(1, 2, uint64(i))
		r := ResizedCrop{}.Draw(&s, size)
		if r.X < 0 || r.Y < 0 || r.Width < 1 || r.Height < 1 || r.X+r.Width > size || r.Y+r.Height > size {
			t.Fatalf("%+v lies outside", r)
		}
		a := float64(r.Width*r.Height) / (size * size)
		q := float64(r.Width) / float64(r.Height)
		if a < 0.078 || q < 0.74 || q > 1.35 {
			t.Fatalf("%+v: area %v, ratio %v", r, a, q)
		}
		area += a / n
		ratio += math.Log(q) / n
	}
	// A shape fits if |log ratio| ≤ −log area, so large areas are drawn again more
	// often: with L = log 4/3 the mean is (∫ a + ∫ −a·log a/L) / (∫ 1 + ∫ −log a/L),
	// first integrals from 0.08 to 0.75, second ones from there to 1, = 0.478. Its
	// standard error is 0.0016.
	if area < 0.472 || area > 0.484 {
		t.Errorf("mean area %.3f, want 0.478", area)
	}
	if math.Abs(ratio) > 0.01 {
		t.Errorf("mean log ratio %.4f, want 0", ratio)
	}
}

func TestResizedCropFixed(t *testing.T) {
	for _, c := range []struct {
		crop ResizedCrop
		size int
		want Rect // but for its place
	}{
		{ResizedCrop{MinArea: 1, MaxArea: 1, MinRatio: 1, MaxRatio: 1}, 8, Rect{Width: 8, Height: 8}},
		{ResizedCrop{MinArea: 0.25, MaxArea: 0.25, MinRatio: 1, MaxRatio: 1}, 8, Rect{Width: 4, Height: 4}},
		{ResizedCrop{MinArea: 0.5, MaxArea: 0.5, MinRatio: 2, MaxRatio: 2}, 8, Rect{Width: 8, Height: 4}},
		{ResizedCrop{MinArea: 1, MaxArea: 1, MinRatio: 2, MaxRatio: 2}, 8, Rect{Width: 8, Height: 8}}, // doesn't fit
	} {
		s := NewStream(1, 1, 1)
		got := c.crop.Draw(&s, c.size)
		if got.Width != c.want.Width || got.Height != c.want.Height {
			t.Errorf("%+v: %+v, want %d×%d", c.crop, got, c.want.Width, c.want.Height)
		}
	}
}

func TestResizedCropValid(t *testing.T) {
	for _, c := range []struct {
		crop ResizedCrop
		want bool
	}{
		{ResizedCrop{}, true},
		{ResizedCrop{MinArea: 0.5, MaxArea: 0.4}, false},
		{ResizedCrop{MaxArea: 1.1}, false},
		{ResizedCrop{MinRatio: -1}, false},
		{ResizedCrop{MinRatio: 2, MaxRatio: 1.5}, false},
		{ResizedCrop{MaxRatio: math.NaN()}, false},
	} {
		if err := c.crop.Validate(); (err == nil) != c.want {
			t.Errorf("%+v: %v", c.crop, err)
		}
	}
}

func TestPortableExp(t *testing.T) {
	for x := -4.0; x <= 4; x += 0.01 {
		if got, want := portableExp(x), math.Exp(x); math.Abs(got-want) > 1e-13*want {
			t.Fatalf("exp %v = %v, want %v", x, got, want)
		}
	}
}
