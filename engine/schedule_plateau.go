package engine

import "fmt"

var plateauKind = ScheduleKind{
	Name: "plateau", About: "divides it by 10 when the validation error stops falling, at most three times",
	Patience: true,
	New: func(s ScheduleSettings) Schedule {
		return &Plateau{Ramp: s.Ramp, Patience: s.Patience, EpochSteps: s.EpochSteps, Classes: s.Classes}
	},
}

// Plateau is the paper's schedule (§5): it divides the rate by Factor when the
// validation error has stopped falling, at most MaxDrops times. It counts from the
// end of the warm-up.
type Plateau struct {
	Ramp
	Factor   float64 // divisor of a drop; 0 means 10
	MaxDrops int     // 0 means 3, negative means none
	// Patience is how many epochs without a lower error a drop takes. 0 means 3, or
	// as many as have plateauSteps steps where EpochSteps is so small that those are
	// more.
	Patience   int
	EpochSteps uint64 // steps in an epoch; 0 where that isn't known
	Classes    int    // of the net, which say what guessing is; 0 where that isn't known
}

const (
	plateauEpochs = 3
	plateauSteps  = 500
	plateauDrops  = 3
)

// Validate reports settings that make no sense.
func (p *Plateau) Validate() error {
	if p.Patience < 0 {
		return fmt.Errorf("patience %d epochs, want 0 or more", p.Patience)
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

// Waits is how many epochs without a lower error a drop takes.
func (p *Plateau) Waits() int {
	switch {
	case p.Patience > 0:
		return p.Patience
	case p.EpochSteps > 0:
		return max(plateauEpochs, int((plateauSteps+p.EpochSteps-1)/p.EpochSteps))
	}
	return plateauEpochs
}

// Floor says that the rate doesn't drop any more.
func (p *Plateau) Floor() bool {
	most := p.MaxDrops
	if most == 0 {
		most = plateauDrops
	}
	return p.state.Drops >= most
}

// EpochDone drops the rate after Waits epochs without a lower error.
func (p *Plateau) EpochDone(step uint64, validationError float64) {
	p.Ramp.EpochDone(step, validationError)
	s := &p.state
	if s.Epochs > 0 && AtChance(s.Best, p.Classes) {
		s.Stale = 0
	}
	if s.Stale >= p.Waits() && !p.Floor() {
		s.Drops++
		s.Stale = 0
	}
}

// Top5Tells reports whether the top-5 error says anything: with five classes or fewer
// it is always 0.
func Top5Tells(classes int) bool { return classes > 5 }

// AtChance says that a top-1 error is about that of guessing among so many classes:
// not a quarter more pictures are right than a guess would have. 0 classes are unknown.
func AtChance(top1Error float64, classes int) bool {
	return classes > 0 && (1-top1Error)*float64(classes) < 1.25
}
