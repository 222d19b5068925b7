package engine

import "fmt"

var plateauKind = ScheduleKind{
	Name: "plateau", About: "divides it by 10 when the validation error stops falling, at most three times",
	Patience: true,
	New:      func(s ScheduleSettings) Schedule { return &Plateau{Ramp: s.Ramp, Patience: s.Patience} },
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
