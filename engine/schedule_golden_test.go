package engine

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"reflect"
	"testing"
)

// goldenSchedule is a case of testdata/make_schedules.py.
type goldenSchedule struct {
	Kind     string
	Name     string
	Warmup   uint64
	Epochs   int
	Raised   int // the epochs that a resumed run is given; 0: the same
	Patience int
	DropAt   []int     `json:"drop_at"`
	Errors   []float64 // after each epoch; of others than plateaus, none
	Rates    []float64 // of each step
}

const goldenEpochSteps = 4

// schedule returns the case's schedule for a run of this number of epochs.
func (g goldenSchedule) schedule(epochs int) Schedule {
	kind, err := ScheduleNamed(g.Kind)
	if err != nil {
		panic(err) // the script writes no other
	}
	return kind.New(ScheduleSettings{
		Ramp: Ramp{Initial: 0.4, Warmup: g.Warmup}, Steps: uint64(epochs) * goldenEpochSteps, EpochSteps: goldenEpochSteps,
		Patience: g.Patience, DropAt: g.DropAt,
	})
}

// TestGoldenSchedules compares every step's rate with timm's and PyTorch's, for
// all combinations of a schedule, a warm-up and epochs that are raised, in a run
// that goes through, in one that is resumed after every step from what its
// checkpoint's JSON says, and in one that is resumed after every epoch.
func TestGoldenSchedules(t *testing.T) {
	text, err := os.ReadFile("testdata/schedules.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []goldenSchedule
	if err := json.Unmarshal(text, &cases); err != nil {
		t.Fatal(err)
	}
	if len(cases) < 60 {
		t.Fatalf("%d cases", len(cases))
	}
	for _, g := range cases {
		for resume, every := range map[string]int{"never": 1 << 20, "every step": 1, "every epoch": goldenEpochSteps} {
			name := fmt.Sprintf("%s %s, patience %d, drops %v, warm-up %d, epochs %d to %d, resumed %s", g.Kind, g.Name, g.Patience, g.DropAt, g.Warmup, g.Epochs, g.Raised, resume)
			epochs, last := g.Epochs, max(g.Epochs, g.Raised)
			s := g.schedule(epochs)
			for step := range last * goldenEpochSteps {
				if raise := step == g.Epochs*goldenEpochSteps; raise || step%every == every-1 {
					if raise {
						epochs = g.Raised
					}
					saved, err := json.Marshal(s.State())
					if err != nil {
						t.Fatal(err)
					}
					var state ScheduleState
					if err := json.Unmarshal(saved, &state); err != nil {
						t.Fatal(err)
					}
					s = g.schedule(epochs)
					s.Restore(state)
				}
				if got, want := s.Rate(uint64(step)), g.Rates[step]; math.Abs(got-want) > 1e-8*want+1e-12 {
					t.Errorf("%s: step %d has rate %.9g, want %.9g", name, step, got, want)
					break
				}
				if epoch := step / goldenEpochSteps; step%goldenEpochSteps == goldenEpochSteps-1 {
					validation := math.NaN()
					if g.Errors != nil {
						validation = g.Errors[epoch]
					}
					s.EpochDone(uint64(step+1), validation)
				}
			}
		}
	}
}

// TestOldScheduleState: a checkpoint from before epochs were counted from the end
// of the warm-up goes on where it was.
func TestOldScheduleState(t *testing.T) {
	var s ScheduleState
	if err := json.Unmarshal([]byte(`{"epochs":5,"best_error":0.25,"since_best":2,"stale":1,"drops":1}`), &s); err != nil {
		t.Fatal(err)
	}
	if want := (ScheduleState{Epochs: 5, Best: 0.25, Counted: 5, Lowest: 0.25, SinceBest: 2, Stale: 1, Drops: 1}); !reflect.DeepEqual(s, want) {
		t.Errorf("%+v, want %+v", s, want)
	}
}

// TestOwnScheduleState: what a schedule keeps for itself comes back from a
// checkpoint's JSON as it wrote it.
func TestOwnScheduleState(t *testing.T) {
	want := ScheduleState{Epochs: 2, Best: 0.5, Counted: 2, Lowest: 0.5, Own: json.RawMessage(`{"cycle":3}`)}
	text, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got ScheduleState
	if err := json.Unmarshal(text, &got); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
	c := &Cosine{Ramp: Ramp{Initial: 1}, Steps: 9}
	c.Restore(got)
	if !reflect.DeepEqual(c.State(), want) {
		t.Errorf("restored %+v, want %+v", c.State(), want)
	}
}

// TestWarmupDoesNotStopEarly: epochs of the warm-up don't count for early stops.
func TestWarmupDoesNotStopEarly(t *testing.T) {
	s := &Cosine{Ramp: Ramp{Initial: 1, Warmup: 30}, Steps: 100}
	for epoch, want := range []int{0, 0, 0, 0, 1, 2} { // the fourth is the first that counts
		s.EpochDone(uint64(10*(epoch+1)), 0.5)
		if got := s.State().SinceBest; got != want {
			t.Errorf("after epoch %d: %d epochs without a lower error, want %d", epoch+1, got, want)
		}
	}
}
