package train

import (
	"math"
	"strconv"

	"alexnet/engine"
	"alexnet/internal/setting"
)

// schedule is the learning rate's, for epochs of so many steps.
func (c *Config) schedule(epochSteps int) (engine.Schedule, error) {
	ramp := engine.Ramp{Initial: c.LR, Warmup: c.Warmup}
	var out engine.Schedule
	switch c.Schedule {
	case ScheduleStep:
		d := &engine.StepDecay{Ramp: ramp}
		for _, word := range List(c.DropAt) {
			epoch, err := strconv.Atoi(word)
			if err != nil || epoch < 1 || epoch > math.MaxInt32 {
				return nil, setting.Invalidf("%s: want numbers of epochs, such as 23,51", setting.Value("drop-at", c.DropAt))
			}
			d.At = append(d.At, uint64(epoch)*uint64(epochSteps))
		}
		out = d
	case ScheduleCosine:
		d := &engine.Cosine{Ramp: ramp, Steps: uint64(c.Epochs) * uint64(epochSteps)}
		if c.Steps > 0 {
			d.Steps = min(d.Steps, c.Steps)
		}
		out = d
	default:
		out = &engine.Plateau{Ramp: ramp, Patience: c.Patience}
	}
	if err := out.Validate(); err != nil {
		what := setting.Value("schedule", c.Schedule)
		if ramp.Validate() != nil {
			what = setting.Name("lr") // which the error gives
		}
		return nil, setting.Invalidf("%s: %w", what, err)
	}
	return out, nil
}
