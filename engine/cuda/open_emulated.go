//go:build emulated

package cuda

import (
	"fmt"
	"sync"

	"alexnet/engine/cuda/internal/emulator"
	"alexnet/engine/cuda/internal/gpu"
	"alexnet/engine/cuda/internal/kernels/host"
)

// A build with the tag emulated has one GPU, the emulator, in place of the machine's GPUs.
// `make gpu-rehearsal` runs the GPU kit on it.

var emulated = sync.OnceValues(func() (*emulator.Machine, error) {
	kernels, err := host.Build()
	if err != nil {
		return nil, err
	}
	return emulator.New(emulator.Options{Kernels: kernels, Memory: 8 << 30}), nil
})

func openDevice(index int) (gpu.Device, error) {
	m, err := emulated()
	if err != nil {
		return nil, err
	}
	if index > 0 {
		return nil, fmt.Errorf("no such GPU: the emulator has one: %w", gpu.ErrUnsupported)
	}
	return m.Device(0), nil
}

// Examine lists the emulated GPU.
func Examine() Survey {
	if _, err := emulated(); err != nil {
		return Survey{Missing: []Missing{{Name: "emulated GPU", Why: err.Error(), Install: []string{"apt-get install g++"}}}}
	}
	return Survey{
		GPUs:      []GPU{{Name: "cuda:0", Model: "emulated GPU on this CPU", Memory: 8 << 30, Capability: "8.0", Processors: 1}},
		Libraries: []Library{{"emulator", "1", "built in"}},
	}
}
