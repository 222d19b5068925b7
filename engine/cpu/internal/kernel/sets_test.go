package kernel

import (
	"strings"
	"testing"
)

// TestSets checks what the sizes of every set of the build promise each other,
// on machines that can't run it too.
func TestSets(t *testing.T) {
	names := map[string]bool{}
	for _, s := range Sets() {
		if s.Name == "" || s.Needs == "" || names[s.Name] {
			t.Errorf("set %q needs %q: want a name of its own and words", s.Name, s.Needs)
		}
		names[s.Name] = true
		for what, ok := range map[string]bool{
			"MR is even": s.MR%2 == 0,
			"NR is a multiple of Lanes, TransposeRows and 4": s.NR%s.Lanes == 0 && s.NR%s.TransposeRows == 0 && s.NR%4 == 0,
			"it transposes no more rows than it has lanes":   s.TransposeRows <= s.Lanes,
			"a block has whole tiles":                        s.Block.M%s.MR == 0 && s.Block.N%s.NR == 0 && s.Block.K > 0,
			"a peak has operations":                          (s.Peak == nil) == (s.PeakFLOP == 0),
			"it has filters of 3×3 and 5×5":                  len(s.Winograd) >= 2 && s.Winograd[0].Size == 3 && s.Winograd[1].Size == 5,
		} {
			if !ok {
				t.Errorf("%s: want that %s", s.Name, what)
			}
		}
	}
}

func TestFind(t *testing.T) {
	for _, s := range Usable() {
		if found, err := Find(s.Name); found != s || err != nil {
			t.Errorf("%q finds %v, %v", s.Name, found, err)
		}
	}
	if s, err := Find(""); s != Best() || err != nil {
		t.Errorf("no name finds %v, %v", s, err)
	}
	if _, err := Find("sse\n"); err == nil || !strings.Contains(err.Error(), `no kernels called "sse\n"; there is portable`) {
		t.Errorf("error %v, want one that names what there is", err)
	}
	sets = append(sets, &Set{Name: "future", Needs: "a processor of tomorrow", Supported: func() bool { return false }})
	defer func() { sets = sets[:len(sets)-1] }()
	if _, err := Find("future"); err == nil || !strings.Contains(err.Error(), `future needs a processor of tomorrow, which this machine doesn't have; there is portable`) {
		t.Errorf("error %v, want one that says what is missing", err)
	}
}

// BenchmarkPeak measures multiply-adds on registers alone: what one core could
// reach if nothing had to be loaded.
func BenchmarkPeak(b *testing.B) {
	for _, set := range Usable() {
		if set.Peak == nil {
			continue
		}
		b.Run(set.Name, func(b *testing.B) {
			const turns = 1000
			for range b.N {
				set.Peak(turns)
			}
			reportGFLOPs(b, float64(turns*set.PeakFLOP))
		})
	}
}
