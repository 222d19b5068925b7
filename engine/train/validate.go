package train

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"alexnet/augment"
	"alexnet/engine"
	"alexnet/engine/collective"
	"alexnet/engine/devices"
	"alexnet/internal/setting"
	"alexnet/pipeline"
)

// Validate reports settings with bad values. It reads no file. Its error is a
// *SettingError.
func (c *Config) Validate() error {
	for _, f := range []struct{ name, value string }{{"train", c.Train}, {"run", c.Run}} {
		if f.value == "" && !(f.name == "run" && c.Dry) {
			return setting.Invalidf("%s is required: give the folder", setting.Name(f.name))
		}
	}
	if _, err := pipeline.ParseShuffle(c.Shuffle); err != nil {
		return setting.Invalidf("%s: %w", setting.Name("shuffle"), err)
	}
	return inTurn(c.checkNumbers, c.checkChoices, c.checkMean, c.checkAugment, c.Access.Validate, c.checkCombinations, c.checkChanges)
}

// checkNumbers returns an error for numbers out of range.
func (c *Config) checkNumbers() error {
	if c.MaxTime < 0 {
		return setting.Invalidf("%s: want a time such as 90s, 10m or 8h, or 0 for no limit", setting.Value("max-time", c.MaxTime))
	}
	for _, f := range []struct {
		name  string
		value float64
		least float64
	}{
		{"epochs", float64(c.Epochs), 1}, {"batch", float64(c.Batch), 1}, {"accumulate", float64(c.Accumulate), 1}, {"patience", float64(c.Patience), 0},
		{"log-every", float64(c.LogEvery), 1}, {"keep", float64(c.Keep), 1}, {"threads", float64(c.Threads), 0},
		{"workers", float64(c.Workers), 0}, {"momentum", c.Momentum, 0}, {"decay", c.Decay, 0},
		{"input-scale", c.InputScale, 0}, {"early-stop", float64(c.EarlyStop), 0},
		{"label-smoothing", c.Smoothing, 0},
	} {
		switch {
		case !(f.value >= f.least):
			return setting.Invalidf("%s: want at least %v", setting.Value(f.name, f.value), f.least)
		case f.value > math.MaxFloat32:
			return setting.Invalidf("%s: want a number that float32 has, up to %.3g", setting.Value(f.name, f.value), math.MaxFloat32)
		}
	}
	for _, f := range []struct {
		name  string
		value int
		most  int
	}{
		{"epochs", c.Epochs, math.MaxInt32}, {"batch", c.Batch, math.MaxInt32}, {"threads", c.Threads, devices.MaxThreads}, {"workers", c.Workers, devices.MaxThreads},
	} {
		if f.value > f.most {
			return setting.Invalidf("%s: want at most %d", setting.Value(f.name, f.value), f.most)
		}
	}
	for _, f := range []struct {
		name  string
		value float64
	}{{"momentum", c.Momentum}, {"label-smoothing", c.Smoothing}} {
		if f.value >= 1 {
			return setting.Invalidf("%s: want less than 1", setting.Value(f.name, f.value))
		}
	}
	return nil
}

// checkChoices returns an error for unknown words.
func (c *Config) checkChoices() error {
	for _, f := range []struct {
		name, value string
		choices     []string
	}{
		{"on-bad", c.OnBad, []string{OnBadStop, OnBadSkip}},
		{"init", c.Init, []string{string(engine.InitPaper), string(engine.InitHe)}},
		{"noise", c.Noise, []string{NoiseSqrt, NoiseLambda, NoiseOff}},
		{"precision", c.Precision, devices.Precisions},
		{"parallel", c.Parallel, []string{ParallelData, ParallelHybrid}},
		{"schedule", c.Schedule, engine.ScheduleNames()},
	} {
		if !slices.Contains(f.choices, f.value) {
			return setting.Invalidf("%s: want %s", setting.Value(f.name, f.value), strings.Join(f.choices, " or "))
		}
	}
	parts := SplitList(c.Without)
	for i, part := range parts {
		if !slices.Contains(AblationNames(), part) {
			return setting.Invalidf("%s: want %s", setting.Value("without", part), strings.Join(AblationNames(), ", "))
		}
		if slices.Contains(parts[:i], part) {
			return setting.Invalidf("%s: %s is there twice", setting.Value("without", c.Without), part)
		}
	}
	if _, err := c.layerRates(); err != nil {
		return err
	}
	_, err := ParseWire(c.Wire)
	return err
}

// ParseWire returns the format of a Config.Wire, to join the ranks with. Its error is
// a *SettingError.
func ParseWire(name string) (collective.Wire, error) {
	switch name {
	case WireFloat32:
		return collective.Float32, nil
	case WireBFloat16:
		return collective.BFloat16, nil
	}
	return 0, setting.Invalidf("%s: want %s or %s", setting.Value("wire", name), WireFloat32, WireBFloat16)
}

// checkMean returns an error for an invalid mean.
func (c *Config) checkMean() error {
	switch c.Mean {
	case MeanChannel, MeanImage, MeanNone:
		return nil
	}
	if _, err := augment.ParseNormalisation(c.Mean); err != nil {
		return setting.Invalidf("%s: want %s, %s, %s, imagenet, half, or R,G,B from 0 to 255", setting.Value("mean", c.Mean), MeanChannel, MeanImage, MeanNone)
	}
	return nil
}

// checkAugment returns an error for invalid augmentations.
func (c *Config) checkAugment() error {
	_, err := c.Augment.Recipe()
	var bad *augment.SettingError
	if errors.As(err, &bad) {
		return setting.Invalidf("%s: %w", setting.Value(bad.Name, fmt.Sprintf("%q", bad.Setting)), bad.Err)
	}
	return err
}

// crops reports whether an augmentation replaces the random crops.
func (c *Config) crops() bool {
	r, err := c.Augment.Recipe()
	if err != nil || len(r) == 0 {
		return false
	}
	_, ok := r[0].(augment.Cropper)
	return ok
}

// checkCombinations returns an error for settings that exclude each other.
func (c *Config) checkCombinations() error {
	value := setting.Value
	switch {
	case c.Batch%c.Accumulate != 0:
		return setting.Invalidf("%s: doesn't divide %s into equal pieces", value("accumulate", c.Accumulate), value("batch", c.Batch))
	case c.without(WithoutCrops) && c.crops():
		return setting.Invalidf("%s leaves no crops for %s to take: leave one of them out", value("without", WithoutCrops), setting.Name("crop"))
	case c.DropAt != "" && !c.scheduleKind().DropAt:
		return setting.Invalidf("%s is of %s %s, not of %s", value("drop-at", c.DropAt), setting.Name("schedule"), "step", value("schedule", c.Schedule))
	case c.DropAt == "" && c.scheduleKind().DropAt:
		return setting.Invalidf("%s needs %s EPOCHS, such as 23,51,78", value("schedule", c.Schedule), setting.Name("drop-at"))
	case c.EarlyStop > 0 && c.Val == "":
		return setting.Invalidf("%s needs %s DIR: it counts epochs without a lower validation error", value("early-stop", c.EarlyStop), setting.Name("val"))
	case c.FromLayers != "" && c.From == "":
		return setting.Invalidf("%s needs %s FILE", value("from-layers", c.FromLayers), setting.Name("from"))
	case c.ownNet() && (c.Without != "" || c.InputScale != 0):
		return setting.Invalidf("%s brings its own net%s", value("from", c.From), setting.LeaveOut("without", "input-scale"))
	}
	return nil
}
