//go:build !nocuda && !emulated

package cuda

import (
	"alexnet/engine/cuda/internal/gpu"
	"alexnet/engine/cuda/internal/nvidia"
)

func openDevice(index int) (gpu.Device, error) { return nvidia.Open(index, nvidia.Options{}) }
