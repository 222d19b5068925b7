package engine

import "fmt"

var stepKind = ScheduleKind{
	Name: "step", About: "divides it by 10 after given epochs",
	DropAt: true,
	New: func(s ScheduleSettings) Schedule {
		d := &StepDecay{Ramp: s.Ramp}
		for _, epoch := range s.DropAt {
			d.At = append(d.At, uint64(epoch)*s.EpochSteps)
		}
		return d
	},
}

// StepDecay divides the rate by Factor at fixed steps, as run 145 of the
// published source did after epochs 23, 51 and 78 (layer-params-145-2010.cfg; in
// 2012 after 25, 51 and 79).
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
