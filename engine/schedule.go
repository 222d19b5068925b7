package engine

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
)

// A Schedule chooses the learning rate of every step. Its state is saved with
// the weights, so that a resumed run goes on as if it had never stopped.
type Schedule interface {
	// Validate reports settings that make no sense.
	Validate() error
	// Rate is the learning rate of a step, counted from 0.
	Rate(step uint64) float64
	// EpochDone reports the validation error (a fraction) after an epoch; NaN if the
	// epoch was not validated. step is the number of updates done in all.
	EpochDone(step uint64, validationError float64)
	// State and Restore save and load the results of EpochDone.
	State() ScheduleState
	Restore(ScheduleState)
}

// ScheduleState is what a schedule knows of the validation so far. In the warm-up the
// learning rate is not reached yet, so epochs that end within it do not count for
// SinceBest and Stale, as in timm's PlateauLRScheduler.
type ScheduleState struct {
	Epochs    int     `json:"epochs"`       // validated epochs
	Best      float64 `json:"best_error"`   // lowest validation error among them
	Counted   int     `json:"counted"`      // validated epochs that ended after the warm-up
	Lowest    float64 `json:"lowest_error"` // lowest validation error among those
	SinceBest int     `json:"since_best"`   // counted epochs since Lowest
	Stale     int     `json:"stale"`        // counted epochs since Lowest or since the last drop
	Drops     int     `json:"drops"`        // divisions of the learning rate so far

	// Own is a schedule's own state, in its own form.
	Own json.RawMessage `json:"own,omitempty"`
}

// UnmarshalJSON reads a saved state. States of older programs, which counted every
// epoch, have no "counted".
func (s *ScheduleState) UnmarshalJSON(text []byte) error {
	type plain ScheduleState
	saved := plain{Counted: -1}
	if err := json.Unmarshal(text, &saved); err != nil {
		return err
	}
	if saved.Counted < 0 {
		saved.Counted, saved.Lowest = saved.Epochs, saved.Best
	}
	*s = ScheduleState(saved)
	return nil
}

// add counts an epoch without a lower error.
func (s *ScheduleState) add(validationError float64, warm bool) {
	s.Epochs++
	if s.Epochs == 1 || validationError < s.Best {
		s.Best = validationError
	}
	if warm {
		return
	}
	s.Counted++
	if s.Counted == 1 || validationError < s.Lowest {
		s.Lowest, s.Stale, s.SinceBest = validationError, 0, 0
		return
	}
	s.Stale++
	s.SinceBest++
}

// ScheduleSettings are a run's settings of the learning rate. The row of a schedule
// in Schedules says which ones it uses.
type ScheduleSettings struct {
	Ramp
	Steps      uint64 // length of the run
	EpochSteps uint64 // steps in an epoch
	Classes    int    // of the net; 0 where that isn't known
	Patience   int    // epochs without a lower error; 0 as in Plateau
	DropAt     []int  // epochs after which the rate drops, ascending
}

// ScheduleKind is a row of Schedules.
type ScheduleKind struct {
	Name  string
	About string // what it does, to follow its name: "lets it fall along half a cosine"

	// Which settings it uses besides the ramp.
	Steps, Patience, DropAt bool

	// New makes a schedule. The caller validates it.
	New func(ScheduleSettings) Schedule
}

// Schedules is the table of schedules; the first is the paper's.
var Schedules = []ScheduleKind{plateauKind, stepKind, cosineKind, constantKind}

// ScheduleNames lists the schedules.
func ScheduleNames() []string {
	names := make([]string, len(Schedules))
	for i, k := range Schedules {
		names[i] = k.Name
	}
	return names
}

// AboutSchedules describes the schedules in words: "plateau divides it by 10 …".
func AboutSchedules() string {
	rows := make([]string, len(Schedules))
	for i, k := range Schedules {
		rows[i] = k.Name + " " + k.About
	}
	return strings.Join(rows, ", ")
}

// ScheduleNamed returns the row with that name.
func ScheduleNamed(name string) (ScheduleKind, error) {
	for _, k := range Schedules {
		if k.Name == name {
			return k, nil
		}
	}
	return ScheduleKind{}, fmt.Errorf("no schedule called %q: there are %s", name, strings.Join(ScheduleNames(), ", "))
}

// Ramp is the part that every schedule has: a first rate, an optional warm-up to it,
// and the count of validated epochs.
type Ramp struct {
	Initial float64 // learning rate after the warm-up
	Warmup  uint64  // steps over which the rate rises linearly to its value; 0 for none
	state   ScheduleState
}

// State returns what the schedule knows of the validation so far.
func (r *Ramp) State() ScheduleState { return r.state }

// Restore goes on from a saved state.
func (r *Ramp) Restore(saved ScheduleState) { r.state = saved }

// EpochDone counts the epochs without a lower error. An epoch without a validation
// error changes nothing.
func (r *Ramp) EpochDone(step uint64, validationError float64) {
	if !math.IsNaN(validationError) {
		r.state.add(validationError, step <= r.Warmup && r.Warmup > 0)
	}
}

// warm is the factor on a step's rate: (step+1)/Warmup during the warm-up.
func (r Ramp) warm(step uint64) float64 {
	if step < r.Warmup {
		return float64(step+1) / float64(r.Warmup)
	}
	return 1
}

// Validate reports settings that make no sense.
func (r Ramp) Validate() error {
	if !(float32(r.Initial) > 0 && r.Initial <= math.MaxFloat32) {
		return fmt.Errorf("learning rate %g, want a positive number that float32 has", r.Initial)
	}
	return nil
}

// divided returns rate / factor^n, by n exact divisions; factor 0 means 10.
func divided(rate, factor float64, n int) float64 {
	if factor == 0 {
		factor = 10
	}
	for range n {
		if rate == 0 {
			break // a damaged state may claim any number of drops
		}
		rate /= factor
	}
	return rate
}

func validDivisor(factor float64) error {
	if factor != 0 && !(factor > 1 && factor <= math.MaxFloat32) {
		return fmt.Errorf("learning rate divisor %g, want more than 1", factor)
	}
	return nil
}
