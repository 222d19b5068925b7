package main

import (
	"slices"

	"alexnet/engine"
	"alexnet/engine/devices"
	"alexnet/engine/train"
	"alexnet/pipeline"
	"alexnet/tools/internal/command"
)

// values are what shells propose.
func values() command.Values {
	places := func() []string {
		names := []string{devices.Auto}
		for _, d := range devices.List().Devices {
			names = append(names, d.Name)
		}
		return names
	}
	kernels := func() []string {
		names := []string{devices.Auto}
		for _, p := range devices.Precisions {
			for _, k := range devices.KernelSets(p) {
				if k.Usable && !slices.Contains(names, k.Name) {
					names = append(names, k.Name)
				}
			}
		}
		return names
	}
	return command.Values{
		"net":       engine.PresetNames,
		"recipe":    train.RecipeNames,
		"schedule":  engine.ScheduleNames,
		"without":   train.AblationNames,
		"parts":     train.AblationNames,
		"devices":   places,
		"only":      places,
		"precision": command.These(devices.Precisions...),
		"kernels":   kernels,
		"init":      command.These(string(engine.InitPaper), string(engine.InitHe)),
		"noise":     command.These(train.NoiseSqrt, train.NoiseLambda, train.NoiseOff),
		"mean":      command.These(train.MeanChannel, train.MeanImage, train.MeanNone, "imagenet"),
		"shuffle":   command.These(pipeline.ShuffleGlobal.String(), pipeline.ShuffleShards.String(), pipeline.ShuffleNone.String()),
		"on-bad":    command.These(train.OnBadStop, train.OnBadSkip),
		"parallel":  command.These(train.ParallelData, train.ParallelHybrid),
		"wire":      command.These(train.WireFloat32, train.WireBFloat16),
	}
}
