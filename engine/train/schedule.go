package train

import (
	"math"
	"strconv"

	"alexnet/engine"
	"alexnet/internal/printable"
	"alexnet/internal/setting"
)

// schedule returns the learning-rate schedule for epochs of that many steps.
func (c *Config) schedule(epochSteps, classes int) (engine.Schedule, error) {
	kind, err := engine.ScheduleNamed(c.Schedule)
	if err != nil {
		return nil, err
	}
	s := engine.ScheduleSettings{
		Ramp:  engine.Ramp{Initial: c.LR, Warmup: c.Warmup},
		Steps: uint64(c.Epochs) * uint64(epochSteps), EpochSteps: uint64(epochSteps), Patience: c.Patience, Classes: classes,
	}
	if c.Steps > 0 {
		s.Steps = min(s.Steps, c.Steps)
	}
	for _, word := range SplitList(c.DropAt) {
		epoch, err := strconv.Atoi(word)
		if err != nil || epoch < 1 || epoch > math.MaxInt32 {
			return nil, setting.Invalidf("%s: want numbers of epochs, such as 23,51,78", setting.Value("drop-at", c.DropAt))
		}
		s.DropAt = append(s.DropAt, epoch)
	}
	if s.Steps > 0 && c.Warmup >= s.Steps && kind.Steps {
		return nil, setting.Invalidf("%s takes all of the run's %s, and %s wants some more: give %s, or more %s",
			setting.Value("warmup", c.Warmup), printable.Count(int(s.Steps), "step"), setting.Value("schedule", c.Schedule), setting.Suggest("warmup", s.Steps/10), setting.Name("epochs"))
	}
	out := kind.New(s)
	if err := out.Validate(); err != nil {
		what := setting.Value("schedule", c.Schedule)
		if s.Ramp.Validate() != nil {
			what = setting.Name("lr") // which the error gives
		}
		return nil, setting.Invalidf("%s: %w", what, err)
	}
	return out, nil
}

// scheduleKind returns the schedule's row of the table; an empty one for an unknown
// name.
func (c *Config) scheduleKind() engine.ScheduleKind {
	kind, _ := engine.ScheduleNamed(c.Schedule)
	return kind
}
