package cuda_test

import (
	"fmt"
	"testing"

	"alexnet/engine"
	"alexnet/engine/cuda"
	"alexnet/engine/cuda/internal/emulator"
	"alexnet/engine/cuda/internal/gpu"
	"alexnet/engine/cuda/internal/kernels/host"
	"alexnet/engine/enginetest"
)

// machine makes an emulated machine. At the end of the test everything on it must be
// freed.
func machine(t testing.TB, o emulator.Options) *emulator.Machine {
	t.Helper()
	kernels, err := host.Build()
	if err != nil {
		t.Skip("kernels for the host: ", err)
	}
	o.Kernels = kernels
	m := emulator.New(o)
	t.Cleanup(func() {
		if err := m.Check(); err != nil {
			t.Error(err)
		}
	})
	return m
}

// open opens a context on each of the machine's devices that are named.
func open(t testing.TB, m *emulator.Machine, o cuda.Options, devices ...int) []engine.Context {
	t.Helper()
	contexts, err := tryOpen(m, o, devices...)
	if err != nil {
		t.Fatal(err)
	}
	return contexts
}

func tryOpen(m *emulator.Machine, o cuda.Options, devices ...int) ([]engine.Context, error) {
	var list []gpu.Device
	var names []string
	for _, i := range devices {
		list = append(list, m.Device(i))
		names = append(names, fmt.Sprintf("cuda:%d", i))
	}
	return cuda.On(list, names, o)
}

var tolerances = map[cuda.Precision]enginetest.Tolerance{
	cuda.FP32: enginetest.FP32, cuda.TF32: enginetest.TF32, cuda.BF16: enginetest.BF16,
}
