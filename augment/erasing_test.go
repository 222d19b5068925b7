package augment

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"math"
	"os"
	"reflect"
	"testing"
)

// TestErasingAgreesWithTorchvision compares where rectangles lie, how large they
// are and of what shape with torchvision's RandomErasing: χ² tests of two samples.
func TestErasingAgreesWithTorchvision(t *testing.T) {
	var golden struct {
		Pictures int
		Cases    []struct {
			Size        int
			Probability float64
			Area, Ratio [2]float64
			Counts      map[string][]int
		}
	}
	text, err := os.ReadFile("testdata/erasing.json")
	if err == nil {
		err = json.Unmarshal(text, &golden)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range golden.Cases {
		e := Erasing{Probability: c.Probability, MinArea: c.Area[0], MaxArea: c.Area[1], MinRatio: c.Ratio[0], MaxRatio: c.Ratio[1]}
		if c.Size == 56 && e != (Erasing{0.5, 0.02, 0.33, 0.3, 3.3, false}) {
			t.Errorf("the first case has torchvision's limits, not %+v", e)
		}
		got := countErasing(e, c.Size, golden.Pictures)
		for name, want := range c.Counts {
			if chi, limit := twoSamples(got[name], want); !(chi <= limit) {
				t.Errorf("%+v of %d pixels a side, %s: χ² %.1f, want at most %.1f\ngot  %v\nwant %v", e, c.Size, name, chi, limit, got[name], want)
			}
		}
	}
}

// countErasing counts as testdata/erasing.py does.
func countErasing(e Erasing, size, pictures int) map[string][]int {
	const fine, coarse = 16, 6
	counts := map[string][]int{"left alone": make([]int, 2), "joint": make([]int, coarse*coarse), "places": make([]int, coarse*coarse)}
	for _, name := range []string{"area", "ratio", "top", "left"} {
		counts[name] = make([]int, fine)
	}
	bin := func(value float64, bins int) int { return max(0, min(bins-1, int(value*float64(bins)))) }
	lo, hi := math.Log(e.MinRatio), math.Log(e.MaxRatio)
	for i := range pictures {
		s := NewStream(5, 0, uint64(i))
		r, ok := e.Draw(&s, size)
		if !ok || r.Width == 0 || r.Height == 0 {
			counts["left alone"][0]++
			continue
		}
		counts["left alone"][1]++
		a := float64(r.Height*r.Width) / (e.MaxArea * float64(size) * float64(size))
		shape := (math.Log(float64(r.Height)/float64(r.Width)) - lo) / (hi - lo)
		top, left := float64(r.Y), float64(r.X)
		counts["area"][bin(a, fine)]++
		counts["ratio"][bin(shape, fine)]++
		counts["top"][bin(top/float64(size), fine)]++
		counts["left"][bin(left/float64(size), fine)]++
		counts["joint"][bin(a, coarse)*coarse+bin(shape, coarse)]++
		counts["places"][bin(top/float64(size-r.Height), coarse)*coarse+bin(left/float64(size-r.Width), coarse)]++
	}
	return counts
}

// twoSamples is χ² of two histograms of one distribution, and the 99.9999th
// percentile of that. Bins with few entries count as one.
func twoSamples(a, b []int) (chi, limit float64) {
	var total, rest [2]float64
	for i := range a {
		total[0] += float64(a[i])
		total[1] += float64(b[i])
	}
	scale := math.Sqrt(total[1] / total[0])
	bins := -1
	add := func(x, y float64) {
		if x+y > 0 {
			d := x*scale - y/scale
			chi += d * d / (x + y)
			bins++
		}
	}
	for i := range a {
		x, y := float64(a[i]), float64(b[i])
		if x+y < 20 {
			rest[0] += x
			rest[1] += y
			continue
		}
		add(x, y)
	}
	add(rest[0], rest[1])
	return chi, chiSquareLimit(max(1, float64(bins)), 4.7534)
}

// TestErasingPixels covers half the sides of a small picture: exactly a
// rectangle's pixels change, to the mean colour or to the stream's bytes.
func TestErasingPixels(t *testing.T) {
	const size = 4
	before := make([]byte, size*size*3)
	for i := range before {
		before[i] = byte(i)
	}
	e := Erasing{Probability: 1, MinArea: 0.25, MaxArea: 0.25, MinRatio: 1, MaxRatio: 1}
	paint := func(e Erasing, sample uint64) []byte {
		s := NewStream(9, 2, sample)
		p := Picture{RGB: bytes.Clone(before), Size: size, Mean: [3]byte{200, 201, 202}}
		e.Paint(&s, p)
		return p.RGB
	}
	// Stream (9, 2, 4) draws a rectangle of 2×2 at x 1, y 1.
	want := []byte{
		0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11,
		12, 13, 14, 200, 201, 202, 200, 201, 202, 21, 22, 23,
		24, 25, 26, 200, 201, 202, 200, 201, 202, 33, 34, 35,
		36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47,
	}
	if got := paint(e, 4); !bytes.Equal(got, want) {
		t.Errorf("pixels %v, want %v", got, want)
	}
	places := map[Rect]bool{}
	for sample := range uint64(200) {
		s := NewStream(9, 2, sample)
		r, ok := e.Draw(&s, size)
		if !ok || r.Width != 2 || r.Height != 2 {
			t.Fatalf("sample %d: %+v, %v, want 2×2", sample, r, ok)
		}
		places[r] = true
		random := binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(nil, s.Uint64()), s.Uint64())
		mean, filled := bytes.Clone(before), bytes.Clone(before)
		for i := range 12 {
			at := ((r.Y+i/6)*size+r.X)*3 + i%6
			mean[at], filled[at] = byte(200+i%3), random[i]
		}
		if got := paint(e, sample); !bytes.Equal(got, mean) {
			t.Errorf("sample %d: %v, want %v", sample, got, mean)
		}
		withRandom := e
		withRandom.Random = true
		if got := paint(withRandom, sample); !bytes.Equal(got, filled) {
			t.Errorf("sample %d, random: %v, want %v", sample, got, filled)
		}
	}
	if len(places) != 9 {
		t.Errorf("%d places in 200 draws, want all 9", len(places))
	}
	// Nothing changes with probability 0, nor if no shape is smaller than the picture.
	for _, e := range []Erasing{{}, {Probability: 1, MinArea: 1, MaxArea: 1, MinRatio: 1, MaxRatio: 1}, {Probability: 1, MinRatio: 1e300, MaxRatio: 1e301}} {
		for sample := range uint64(20) {
			if got := paint(e, sample); !bytes.Equal(got, before) {
				t.Errorf("%+v: %v, want the picture as it was", e, got)
			}
		}
	}
}

func TestErasingSettings(t *testing.T) {
	for text, want := range map[string]Erasing{
		"0.25":                   {Probability: 0.25},
		"1, fill=mean":           {Probability: 1},
		"0.5,fill=random":        {Probability: 0.5, Random: true},
		"0.5,area=0.02:0.4":      {Probability: 0.5, MinArea: 0.02, MaxArea: 0.4},
		"0,ratio=0.5:2,area=1:1": {MinRatio: 0.5, MaxRatio: 2, MinArea: 1, MaxArea: 1},
	} {
		s := set(t, map[string]string{"erase": text})
		if got, err := s.Recipe(); err != nil || !reflect.DeepEqual(got, Recipe{want}) {
			t.Errorf("%s: %+v, %v, want %+v", text, got, err, want)
		}
	}
	for _, text := range []string{
		"x", "NaN", "-0.1", "1.1", "0.5,", "0.5,fill", "0.5,fill=grey", "0.5,area=0.1", "0.5,area=0.2:0.1", "0.5,area=0:0.1", "0.5,area=0.5:1.5",
		"0.5,ratio=2:1", "0.5,ratio=0:1", "0.5,ratio=1:inf", "0.5,ratio=NaN:1", "0.5,side=3", "0.5,random",
	} {
		s := set(t, map[string]string{"erase": text})
		if r, err := s.Recipe(); err == nil {
			t.Errorf("%s is accepted: %+v", text, r)
		}
	}
}
