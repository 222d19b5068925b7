package resample

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"testing"
)

// formula returns the picture that testdata/pillow.py draws.
func formula(width, height int) Image {
	m := Image{make([]byte, 3*width*height), 3 * width, width, height}
	for i := range m.Pix {
		x, y, c := i/3%width, i/3/width, i%3
		m.Pix[i] = byte(x*x*7 + y*13*c + x*y*3 + 85*c)
	}
	return m
}

func TestAgreesWithPillow(t *testing.T) {
	data, err := os.ReadFile("testdata/pillow.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden struct {
		Cases []struct {
			Filter        string
			Width, Height int
			Box           [4]float64
			RGB           string
		}
	}
	if err := json.Unmarshal(data, &golden); err != nil {
		t.Fatal(err)
	}
	if len(golden.Cases) != 15 {
		t.Fatalf("%d cases, want 15", len(golden.Cases))
	}
	src := formula(61, 47)
	differing, total := 0, 0
	for _, tc := range golden.Cases {
		want, err := hex.DecodeString(tc.RGB)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range Filters {
			if f.Name != tc.Filter {
				continue
			}
			got := make([]byte, len(want))
			b := tc.Box
			New(f).Resize(got, tc.Width, tc.Height, src, Box{b[0], b[1], b[2] - b[0], b[3] - b[1]})
			for i, v := range got {
				d := int(v) - int(want[i])
				if d < -1 || d > 1 {
					t.Errorf("%s to %d×%d of %v: byte %d is %d, Pillow says %d", tc.Filter, tc.Width, tc.Height, b, i, v, want[i])
				}
				if d != 0 {
					differing++
				}
			}
			total += len(got)
		}
	}
	t.Logf("%d of %d bytes differ from Pillow's, by 1", differing, total)
	if total != 3*3*(9*7+13*13+8*8+11*5+20*2) || differing > total/50 {
		t.Errorf("%d of %d bytes differ from Pillow's", differing, total)
	}
}
