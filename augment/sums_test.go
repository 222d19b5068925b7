package augment

import (
	"math/rand/v2"
	"testing"
)

func TestSumsLiteral(t *testing.T) {
	var s Sums
	s.Add([]byte{1, 2, 3, 255, 0, 10})
	want := Sums{
		Pixels: 2,
		Sum:    [3]uint64{256, 2, 13},
		Products: [3][3]uint64{
			{1 + 65025, 2, 3 + 2550},
			{2, 4, 6},
			{3 + 2550, 6, 9 + 100},
		},
	}
	if s != want {
		t.Errorf("got %+v, want %+v", s, want)
	}
	if m := s.Mean(); m != [3]float64{128, 1, 6.5} {
		t.Errorf("mean %v", m)
	}
	// Two points: the covariance is a quarter of the outer product of their
	// difference (254, −2, 7).
	wantCov := [3][3]float64{{16129, -127, 444.5}, {-127, 1, -3.5}, {444.5, -3.5, 12.25}}
	if c := s.Covariance(); c != wantCov {
		t.Errorf("covariance %v, want %v", c, wantCov)
	}
}

// TestSumsPlain compares with the sums as one would write them down, over
// lengths around the block size and with the largest values.
func TestSumsPlain(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, pixels := range []int{0, 1, 31, 32, 33, 64, 65, 1000} {
		for _, white := range []bool{false, true} {
			rgb := make([]byte, 3*pixels)
			for i := range rgb {
				rgb[i] = byte(rng.Uint32())
				if white {
					rgb[i] = 255
				}
			}
			var got, want Sums
			got.Add(rgb)
			want.Pixels = uint64(pixels)
			for p := 0; p < len(rgb); p += 3 {
				for i := range 3 {
					want.Sum[i] += uint64(rgb[p+i])
					for j := range 3 {
						want.Products[i][j] += uint64(rgb[p+i]) * uint64(rgb[p+j])
					}
				}
			}
			if got != want {
				t.Errorf("%d pixels, white %v: got %+v, want %+v", pixels, white, got, want)
			}
		}
	}
}

func TestSumsMerge(t *testing.T) {
	rgb := make([]byte, 3*100)
	for i := range rgb {
		rgb[i] = byte(i * 7)
	}
	var whole, a, b Sums
	whole.Add(rgb)
	a.Add(rgb[:3*41])
	b.Add(rgb[3*41:])
	b.Merge(a)
	if b != whole {
		t.Errorf("merged %+v, whole %+v", b, whole)
	}
}

// TestSumsLarge checks that moments past 2⁶⁴ after multiplication don't
// overflow: ImageNet's size, half black and half white.
func TestSumsLarge(t *testing.T) {
	const n = 1_281_167 * 65536
	half := uint64(n / 2)
	s := Sums{Pixels: n}
	for i := range 3 {
		s.Sum[i] = half * 255
		for j := range 3 {
			s.Products[i][j] = half * 255 * 255
		}
	}
	if c := s.Covariance(); c[0][1] != 127.5*127.5 {
		t.Errorf("covariance %v, want %v", c[0][1], 127.5*127.5)
	}
}

func TestSumsNoPixels(t *testing.T) {
	var s Sums
	if m, c := s.Mean(), s.Covariance(); m != [3]float64{} || c != [3][3]float64{} {
		t.Errorf("mean %v, covariance %v, want zeros", m, c)
	}
}

func TestSumsAddPanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("4 bytes were accepted as pixels")
		}
	}()
	new(Sums).Add(make([]byte, 4))
}

func BenchmarkSumsAdd(b *testing.B) {
	rgb := make([]byte, 256*256*3)
	for i := range rgb {
		rgb[i] = byte(i * 7)
	}
	var s Sums
	b.SetBytes(int64(len(rgb)))
	for b.Loop() {
		s.Add(rgb)
	}
}
