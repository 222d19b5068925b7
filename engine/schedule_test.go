package engine

import (
	"math"
	"testing"
)

func TestPlateauDropsAfterPatienceAtMostThrice(t *testing.T) {
	p := &Plateau{Initial: 0.01, Patience: 2}
	errors := []float64{0.9, 0.8, 0.8, 0.85, 0.7, math.NaN(), 0.7, 0.7, 0.7, 0.7, 0.7, 0.7, 0.7, 0.6}
	want := []float64{
		.01, .01, .01, // 0.8 again: one stale epoch
		.001, .001, // 0.85: the second, so a drop; 0.7 is better
		.001,        // no validation: nothing changes
		.001, .0001, // two stale epochs
		.0001, .00001, // the third drop
		.00001, .00001, .00001, .00001, // no fourth
	}
	for i, e := range errors {
		p.EpochDone(e)
		if got := p.Rate(1000); math.Abs(got-want[i]) > 1e-9*want[i] {
			t.Errorf("epoch %d (error %g): rate %g, want %g", i, e, got, want[i])
		}
	}
	if s := p.State(); s.Drops != 3 || s.Best != 0.6 || s.Epochs != 13 {
		t.Errorf("state %+v", s)
	}
}

func TestPlateauWarmup(t *testing.T) {
	p := &Plateau{Initial: 0.4, Warmup: 4}
	for step, want := range []float64{0.1, 0.2, 0.3, 0.4, 0.4, 0.4} {
		if got := p.Rate(uint64(step)); math.Abs(got-want) > 1e-12 {
			t.Errorf("step %d: rate %g, want %g", step, got, want)
		}
	}
}

func TestPlateauRestore(t *testing.T) {
	a, b := &Plateau{Initial: 1, Patience: 1}, &Plateau{Initial: 1, Patience: 1}
	for _, e := range []float64{0.5, 0.6} {
		a.EpochDone(e)
	}
	b.Restore(a.State())
	if b.Rate(0) != 0.1 || b.Rate(0) != a.Rate(0) {
		t.Errorf("restored rate %g, original %g, want 0.1", b.Rate(0), a.Rate(0))
	}
}

func TestPlateauValidate(t *testing.T) {
	for _, p := range []Plateau{{}, {Initial: -1}, {Initial: math.NaN()}, {Initial: 1, Factor: 1}, {Initial: 1, Patience: -1}} {
		if p.Validate() == nil {
			t.Errorf("%+v: no error", p)
		}
	}
	if err := (&Plateau{Initial: 0.01}).Validate(); err != nil {
		t.Error(err)
	}
}
