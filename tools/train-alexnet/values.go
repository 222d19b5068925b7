package main

import (
	"alexnet/engine"
	"alexnet/engine/devices"
	"alexnet/engine/train"
	"alexnet/pipeline"
	"alexnet/tools/internal/command"
)

// values returns the proposals for shells.
func values() command.Values {
	return command.Values{
		"net":       engine.PresetNames,
		"recipe":    train.RecipeNames,
		"schedule":  engine.ScheduleNames,
		"without":   train.AblationNames,
		"parts":     train.AblationNames,
		"devices":   devices.Names,
		"only":      devices.Names,
		"precision": command.These(devices.Precisions...),
		"kernels":   devices.KernelNames,
		"init":      command.These(string(engine.InitPaper), string(engine.InitHe)),
		"noise":     command.These(train.NoiseSqrt, train.NoiseLambda, train.NoiseOff),
		"mean":      command.These(train.MeanChannel, train.MeanImage, train.MeanNone, "imagenet"),
		"shuffle":   command.These(pipeline.ShuffleGlobal.String(), pipeline.ShuffleShards.String(), pipeline.ShuffleNone.String()),
		"on-bad":    command.These(train.OnBadStop, train.OnBadSkip),
		"parallel":  command.These(train.ParallelData, train.ParallelHybrid),
		"wire":      command.These(train.WireFloat32, train.WireBFloat16),
	}
}
