package train

import (
	"math"
	"os"
	"slices"
	"testing"
)

// TestFindRate: the sweep trains, with rates that rise, on a set that is much smaller than
// it is long, and leaves nothing behind; on stripes it finds a rate that trains them.
func TestFindRate(t *testing.T) {
	c := small(t, t.TempDir())
	c.Dry = true
	j, err := Prepare(t.Context(), c, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	told := 0
	s, err := j.FindRate(t.Context(), func(done, steps int) { told = done })
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Rates) < 200 || told != len(s.Rates) || len(s.Losses) != len(s.Rates) || !slices.IsSorted(s.Rates) || s.Rates[0] != sweepLow {
		t.Errorf("%d rates, %d losses, told of %d", len(s.Rates), len(s.Losses), told)
	}
	if _, err := os.Stat(c.Run); err == nil {
		t.Error("it has made the run folder")
	}
	if s.Suggested < 1e-4 || s.Suggested > 0.02 {
		t.Fatalf("suggests %g", s.Suggested)
	}
	c.MaxTime = 1
	limited, err := Prepare(t.Context(), c, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer limited.Close()
	if s, err := limited.FindRate(t.Context(), nil); err != nil || len(s.Rates) != 1 || !s.Cut || s.Advice.String() != "give it more time" {
		t.Errorf("in no time at all: %+v, %v", s, err)
	}
	c.Dry, c.MaxTime, c.LR, c.Epochs = false, 0, s.Suggested, 24
	r, err := Run(t.Context(), c, nil)
	if err != nil || r.Best.Best > 0.35 {
		t.Errorf("trained with %g it errs in %.0f %% of three classes, %v", c.LR, 100*r.Best.Best, err)
	}
}

// TestSuggestedRate: the rate of the steepest fall below chance, in round numbers; a fall
// to chance is none.
func TestSuggestedRate(t *testing.T) {
	fall := func(from, to, at float64) *RateSweep {
		s := new(RateSweep)
		for n := range sweepSteps {
			rate := sweepLow * math.Pow(sweepHigh/sweepLow, float64(n)/(sweepSteps-1))
			s.Rates = append(s.Rates, rate)
			s.Losses = append(s.Losses, to+(from-to)/(1+rate/at))
		}
		return s
	}
	chance := math.Log(10)
	for _, c := range []struct{ from, to, at, want float64 }{
		{chance, 1, .01, .01}, {chance, 1, .004, .005}, {chance, 1, .05, .05}, {4, chance, .01, 0}, {chance, chance - .01, .01, 0},
	} {
		if got := fall(c.from, c.to, c.at).suggest(chance).Suggested; math.Abs(got-c.want) > 1e-9 {
			t.Errorf("a fall from %g to %g at %g: %g, want %g", c.from, c.to, c.at, got, c.want)
		}
	}
	if s := (&RateSweep{}).suggest(chance); s.Suggested != 0 {
		t.Errorf("of nothing: %g", s.Suggested)
	}
}
