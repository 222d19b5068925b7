package engine

import (
	"fmt"
	"math"
)

// A Schedule chooses the learning rate of every step. Its state is saved with
// the weights, so that a resumed run goes on as if it had never stopped.
type Schedule interface {
	// Rate is the learning rate of a step, counted from 0.
	Rate(step uint64) float64
	// EpochDone tells the schedule the validation error (a fraction) after an
	// epoch; NaN where the epoch was not validated.
	EpochDone(validationError float64)
	// State and Restore save and load what EpochDone has learnt.
	State() ScheduleState
	Restore(ScheduleState)
}

// ScheduleState is what a schedule has learnt from validation so far.
type ScheduleState struct {
	Epochs int     `json:"epochs"`     // validated epochs
	Best   float64 `json:"best_error"` // lowest validation error among them
	Stale  int     `json:"stale"`      // epochs since Best or since the last drop
	Drops  int     `json:"drops"`      // divisions of the learning rate so far
}

// Plateau is the paper's schedule (§5) with an optional warm-up: the rate is
// divided by Factor when the validation error has stopped falling, at most
// MaxDrops times.
type Plateau struct {
	Initial  float64 // learning rate before the first drop
	Warmup   uint64  // steps over which the rate rises linearly to its value; 0 for none
	Factor   float64 // divisor of a drop; 0 means 10
	Patience int     // epochs without a lower error before a drop; 0 means 3
	MaxDrops int     // 0 means 3, negative means none
	state    ScheduleState
}

// Validate reports settings that make no sense.
func (p *Plateau) Validate() error {
	switch {
	case !(p.Initial > 0) || math.IsInf(p.Initial, 0):
		return fmt.Errorf("learning rate %g, want a positive number", p.Initial)
	case p.Factor != 0 && !(p.Factor > 1):
		return fmt.Errorf("learning rate divisor %g, want more than 1", p.Factor)
	case p.Patience < 0:
		return fmt.Errorf("patience %d epochs, want at least 1", p.Patience)
	}
	return nil
}

// Rate is Initial / Factor^drops, times (step+1)/Warmup during the warm-up.
func (p *Plateau) Rate(step uint64) float64 {
	factor := p.Factor
	if factor == 0 {
		factor = 10
	}
	rate := p.Initial
	for range p.state.Drops { // exact divisions, one a drop
		rate /= factor
	}
	if step < p.Warmup {
		rate *= float64(step+1) / float64(p.Warmup)
	}
	return rate
}

// EpochDone counts the epochs without a lower error and drops the rate after
// Patience of them. An epoch without a validation error changes nothing.
func (p *Plateau) EpochDone(validationError float64) {
	if math.IsNaN(validationError) {
		return
	}
	s := &p.state
	s.Epochs++
	if s.Epochs == 1 || validationError < s.Best {
		s.Best, s.Stale = validationError, 0
		return
	}
	s.Stale++
	if s.Stale >= p.patience() && s.Drops < p.maxDrops() {
		s.Drops++
		s.Stale = 0
	}
}

// State returns what validation has taught so far.
func (p *Plateau) State() ScheduleState { return p.state }

// Restore goes on from a saved state.
func (p *Plateau) Restore(s ScheduleState) { p.state = s }

func (p *Plateau) patience() int {
	if p.Patience == 0 {
		return 3
	}
	return p.Patience
}

func (p *Plateau) maxDrops() int {
	if p.MaxDrops == 0 {
		return 3
	}
	return p.MaxDrops
}
