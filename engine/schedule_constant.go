package engine

var constantKind = ScheduleKind{
	Name: "constant", About: "keeps it as it is after the warm-up",
	New: func(s ScheduleSettings) Schedule { return &Constant{Ramp: s.Ramp} },
}

// Constant keeps the rate at Initial after the warm-up.
type Constant struct{ Ramp }

// Rate is Initial, times the warm-up.
func (c *Constant) Rate(step uint64) float64 { return c.Initial * c.warm(step) }
