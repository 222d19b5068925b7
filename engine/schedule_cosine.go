package engine

import (
	"fmt"
	"math"
)

var cosineKind = ScheduleKind{
	Name: "cosine", About: "lets it fall along half a cosine over the run",
	Steps: true,
	New:   func(s ScheduleSettings) Schedule { return &Cosine{Ramp: s.Ramp, Steps: s.Steps} },
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
	if err := c.Ramp.Validate(); err != nil {
		return err
	}
	switch {
	case c.Steps <= c.Warmup:
		return fmt.Errorf("a cosine over %d steps with %d of warm-up: want a longer run or a shorter warm-up", c.Steps, c.Warmup)
	case !(c.Final >= 0) || c.Final > c.Initial:
		return fmt.Errorf("final learning rate %g, want 0 to %g", c.Final, c.Initial)
	}
	return nil
}

// Rate is Final + (Initial−Final)·(1+cos πt)/2. t is the part of the run after the
// warm-up that is done, 0–1.
func (c *Cosine) Rate(step uint64) float64 {
	if step < c.Warmup {
		return c.Initial * c.warm(step)
	}
	t := min(1, float64(step-c.Warmup)/float64(c.Steps-c.Warmup))
	return c.Final + (c.Initial-c.Final)*(1+math.Cos(math.Pi*t))/2
}
