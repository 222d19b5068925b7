package engine

import (
	"math"
	"reflect"
	"strings"
	"testing"
)

func TestPlateauDropsAfterPatienceAtMostThrice(t *testing.T) {
	p := &Plateau{Ramp: Ramp{Initial: 0.01}, Patience: 2}
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
		p.EpochDone(1000, e)
		if got := p.Rate(1000); math.Abs(got-want[i]) > 1e-9*want[i] {
			t.Errorf("epoch %d (error %g): rate %g, want %g", i, e, got, want[i])
		}
	}
	if s := p.State(); s.Drops != 3 || s.Best != 0.6 || s.Epochs != 13 {
		t.Errorf("state %+v", s)
	}
}

// TestPlateauWaitsForTheNet: a net that still guesses gains nothing from a lower rate,
// so its epochs don't count, and those of a warm-up neither. From the first error below
// that of guessing they do.
func TestPlateauWaitsForTheNet(t *testing.T) {
	kind, err := ScheduleNamed("plateau")
	if err != nil {
		t.Fatal(err)
	}
	p := kind.New(ScheduleSettings{Ramp: Ramp{Initial: 1, Warmup: 30}, EpochSteps: 1000, Classes: 10}).(*Plateau)
	drops := func(e float64, epochs int) int {
		for range epochs {
			p.EpochDone(1000, e)
		}
		return p.State().Drops
	}
	if got := drops(.9, 20); got != 0 {
		t.Errorf("%d drops at chance", got)
	}
	if got := drops(.88, 20); got != 0 {
		t.Errorf("%d drops at 88 %% of ten classes, which is about chance", got)
	}
	if got := drops(.8, 3); got != 0 {
		t.Errorf("%d drops after 0.8 once and two epochs without a lower error", got)
	}
	if got := drops(.9, 1); got != 1 {
		t.Errorf("%d drops after the third epoch that isn't lower, though it is at chance; want 1", got)
	}
	if p.Floor() || drops(.9, 6) != 3 || !p.Floor() {
		t.Errorf("%d drops, at the floor: %v", p.State().Drops, p.Floor())
	}
	for classes, want := range map[int]float64{2: .375, 10: .875, 1000: .99875} {
		if AtChance(want-1e-9, classes) || !AtChance(want+1e-9, classes) {
			t.Errorf("%d classes: want errors above %g at chance", classes, want)
		}
	}
}

// TestPlateauCountsSteps: where epochs are short, the patience that is there by itself
// is longer; one that is given stays.
func TestPlateauCountsSteps(t *testing.T) {
	for _, c := range []struct {
		patience, epochSteps uint64
		want                 int
	}{{0, 1000, 3}, {0, 166, 4}, {0, 15, 34}, {0, 0, 3}, {2, 15, 2}} {
		p := &Plateau{Patience: int(c.patience), EpochSteps: c.epochSteps}
		if got := p.Waits(); got != c.want {
			t.Errorf("patience %d, %d steps an epoch: waits %d epochs, want %d", c.patience, c.epochSteps, got, c.want)
		}
	}
}

func TestPlateauWarmup(t *testing.T) {
	p := &Plateau{Ramp: Ramp{Initial: 0.4, Warmup: 4}}
	for step, want := range []float64{0.1, 0.2, 0.3, 0.4, 0.4, 0.4} {
		if got := p.Rate(uint64(step)); math.Abs(got-want) > 1e-12 {
			t.Errorf("step %d: rate %g, want %g", step, got, want)
		}
	}
}

func TestPlateauRestore(t *testing.T) {
	a, b := &Plateau{Ramp: Ramp{Initial: 1}, Patience: 1}, &Plateau{Ramp: Ramp{Initial: 1}, Patience: 1}
	for _, e := range []float64{0.5, 0.6} {
		a.EpochDone(1000, e)
	}
	b.Restore(a.State())
	if b.Rate(0) != 0.1 || b.Rate(0) != a.Rate(0) {
		t.Errorf("restored rate %g, original %g, want 0.1", b.Rate(0), a.Rate(0))
	}
}

func TestStepDecay(t *testing.T) {
	d := &StepDecay{Ramp: Ramp{Initial: 0.1, Warmup: 2}, At: []uint64{4, 6}}
	for step, want := range []float64{0.05, 0.1, 0.1, 0.1, 0.01, 0.01, 0.001, 0.001} {
		if got := d.Rate(uint64(step)); math.Abs(got-want) > 1e-12 {
			t.Errorf("step %d: rate %g, want %g", step, got, want)
		}
	}
}

func TestCosine(t *testing.T) {
	c := &Cosine{Ramp: Ramp{Initial: 1, Warmup: 2}, Final: 0.2, Steps: 6}
	for step, want := range []float64{0.5, 1, 1, 0.2 + 0.8*(1+math.Sqrt2/2)/2, 0.6, 0.2 + 0.8*(1-math.Sqrt2/2)/2, 0.2, 0.2} {
		if got := c.Rate(uint64(step)); math.Abs(got-want) > 1e-12 {
			t.Errorf("step %d: rate %g, want %g", step, got, want)
		}
	}
}

// Every schedule counts what validation says, so that every run knows its best
// epoch and can stop early.
func TestSchedulesCountEpochs(t *testing.T) {
	for _, kind := range Schedules {
		s := kind.New(ScheduleSettings{Ramp: Ramp{Initial: 1}, Patience: 100})
		for _, e := range []float64{0.5, 0.4, math.NaN(), 0.4, 0.6} {
			s.EpochDone(1000, e)
		}
		if got, want := s.State(), (ScheduleState{Epochs: 4, Best: 0.4, Counted: 4, Lowest: 0.4, SinceBest: 2, Stale: 2}); !reflect.DeepEqual(got, want) {
			t.Errorf("%T: %+v, want %+v", s, got, want)
		}
	}
}

func TestScheduleValidate(t *testing.T) {
	one := Ramp{Initial: 1}
	for _, s := range []Schedule{
		&Plateau{}, &Plateau{Ramp: Ramp{Initial: -1}}, &Plateau{Ramp: Ramp{Initial: math.NaN()}},
		&Plateau{Ramp: one, Factor: 1}, &Plateau{Ramp: one, Patience: -1},
		&StepDecay{Ramp: one}, &StepDecay{Ramp: one, At: []uint64{3, 3}}, &StepDecay{At: []uint64{3}},
		&Cosine{Ramp: one}, &Cosine{Ramp: Ramp{Initial: 1, Warmup: 5}, Steps: 5}, &Cosine{Ramp: one, Final: 2, Steps: 5},
	} {
		if s.Validate() == nil {
			t.Errorf("%T %+v: no error", s, s)
		}
	}
	for _, kind := range Schedules {
		s := kind.New(ScheduleSettings{Ramp: one, Steps: 5, EpochSteps: 1, DropAt: []int{1, 2}})
		if err := s.Validate(); err != nil {
			t.Errorf("%s: %v", kind.Name, err)
		}
	}
	if _, err := ScheduleNamed("polynomial"); err == nil || !strings.Contains(err.Error(), "plateau, step, cosine") {
		t.Errorf("an unknown schedule: %v", err)
	}
}
