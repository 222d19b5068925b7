package engine

import (
	"encoding/json"
	"fmt"
	"math"
)

// A Schedule chooses the learning rate of every step. Its state is saved with
// the weights, so that a resumed run goes on as if it had never stopped.
type Schedule interface {
	// Validate reports settings that make no sense.
	Validate() error
	// Rate is the learning rate of a step, counted from 0.
	Rate(step uint64) float64
	// EpochDone tells the schedule the validation error (a fraction) after an
	// epoch that ended with so many updates done in all; NaN where the epoch was
	// not validated.
	EpochDone(step uint64, validationError float64)
	// State and Restore save and load what EpochDone has learnt.
	State() ScheduleState
	Restore(ScheduleState)
}

// ScheduleState is what a schedule has learnt from validation so far. Epochs
// that end within the warm-up say nothing about a rate that isn't reached yet,
// so they don't count for SinceBest and Stale, as in timm's PlateauLRScheduler.
type ScheduleState struct {
	Epochs    int     `json:"epochs"`       // validated epochs
	Best      float64 `json:"best_error"`   // lowest validation error among them
	Counted   int     `json:"counted"`      // validated epochs that ended after the warm-up
	Lowest    float64 `json:"lowest_error"` // lowest validation error among those
	SinceBest int     `json:"since_best"`   // counted epochs since Lowest
	Stale     int     `json:"stale"`        // counted epochs since Lowest or since the last drop
	Drops     int     `json:"drops"`        // divisions of the learning rate so far
}

// UnmarshalJSON reads a saved state. Those of programs that counted every epoch
// have no "counted".
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

// Ramp is what every schedule begins with: a first rate, an optional warm-up to
// it, and the count of validated epochs.
type Ramp struct {
	Initial float64 // learning rate after the warm-up
	Warmup  uint64  // steps over which the rate rises linearly to its value; 0 for none
	state   ScheduleState
}

// State returns what validation has taught so far.
func (r *Ramp) State() ScheduleState { return r.state }

// Restore goes on from a saved state.
func (r *Ramp) Restore(saved ScheduleState) { r.state = saved }

// EpochDone counts the epochs without a lower error; one without a validation
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
	if !(r.Initial > 0 && r.Initial <= math.MaxFloat32) {
		return fmt.Errorf("learning rate %g, want a positive number that float32 has", r.Initial)
	}
	return nil
}

// Plateau is the paper's schedule (§5): the rate is divided by Factor when the
// validation error has stopped falling, at most MaxDrops times. It counts from
// the end of the warm-up.
type Plateau struct {
	Ramp
	Factor   float64 // divisor of a drop; 0 means 10
	Patience int     // epochs without a lower error before a drop; 0 means 3
	MaxDrops int     // 0 means 3, negative means none
}

// Validate reports settings that make no sense.
func (p *Plateau) Validate() error {
	if p.Patience < 0 {
		return fmt.Errorf("patience %d epochs, want at least 1", p.Patience)
	}
	if err := validDivisor(p.Factor); err != nil {
		return err
	}
	return p.Ramp.Validate()
}

// Rate is Initial / Factor^drops, times the warm-up.
func (p *Plateau) Rate(step uint64) float64 {
	return divided(p.Initial, p.Factor, p.state.Drops) * p.warm(step)
}

// EpochDone drops the rate after Patience epochs without a lower error.
func (p *Plateau) EpochDone(step uint64, validationError float64) {
	p.Ramp.EpochDone(step, validationError)
	patience, most := p.Patience, p.MaxDrops
	if patience == 0 {
		patience = 3
	}
	if most == 0 {
		most = 3
	}
	if s := &p.state; s.Stale >= patience && s.Drops < most {
		s.Drops++
		s.Stale = 0
	}
}

// StepDecay divides the rate by Factor at fixed steps, as run 145 of the
// published source did after epochs 23 and 51.
type StepDecay struct {
	Ramp
	Factor float64  // divisor of a drop; 0 means 10
	At     []uint64 // steps from which one more drop counts, ascending
}

// Validate reports settings that make no sense.
func (d *StepDecay) Validate() error {
	if len(d.At) == 0 {
		return fmt.Errorf("no step at which the learning rate drops")
	}
	for i, at := range d.At {
		if i > 0 && at <= d.At[i-1] {
			return fmt.Errorf("learning rate drops at steps %v: want them ascending", d.At)
		}
	}
	if err := validDivisor(d.Factor); err != nil {
		return err
	}
	return d.Ramp.Validate()
}

// Rate is Initial / Factor^(drops so far), times the warm-up.
func (d *StepDecay) Rate(step uint64) float64 {
	drops := 0
	for _, at := range d.At {
		if step >= at {
			drops++
		}
	}
	return divided(d.Initial, d.Factor, drops) * d.warm(step)
}

// Cosine lets the rate fall from Initial to Final along half a cosine between
// the end of the warm-up and step Steps (Loshchilov and Hutter 2016, without
// restarts).
type Cosine struct {
	Ramp
	Final float64 // rate at the end; 0 is the usual
	Steps uint64  // length of the run
}

// Validate reports settings that make no sense.
func (c *Cosine) Validate() error {
	switch {
	case c.Steps <= c.Warmup:
		return fmt.Errorf("a cosine over %d steps with %d of warm-up: want a longer run or a shorter warm-up", c.Steps, c.Warmup)
	case !(c.Final >= 0) || c.Final > c.Initial:
		return fmt.Errorf("final learning rate %g, want 0 to %g", c.Final, c.Initial)
	}
	return c.Ramp.Validate()
}

// Rate is Final + (Initial−Final)·(1+cos πt)/2, where t is the part of the run
// after the warm-up that is done.
func (c *Cosine) Rate(step uint64) float64 {
	if step < c.Warmup {
		return c.Initial * c.warm(step)
	}
	t := min(1, float64(step-c.Warmup)/float64(c.Steps-c.Warmup))
	return c.Final + (c.Initial-c.Final)*(1+math.Cos(math.Pi*t))/2
}

// divided is rate / factor^n in exact divisions, one a drop; factor 0 means 10.
func divided(rate, factor float64, n int) float64 {
	if factor == 0 {
		factor = 10
	}
	for range n {
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
