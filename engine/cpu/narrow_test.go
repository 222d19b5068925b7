package cpu_test

import (
	"slices"
	"testing"

	"alexnet/engine"
	"alexnet/engine/cpu"
	"alexnet/engine/cpu/internal/trap"
	"alexnet/engine/enginetest"
)

// everyNarrowSet runs a test over the sets of kernels for bfloat16, AMX's emulated
// where the processor lacks it.
func everyNarrowSet(t *testing.T, f func(t *testing.T, kernels string)) {
	for _, s := range slices.Backward(cpu.Kernels("bf16")) {
		t.Run(s.Name, func(t *testing.T) {
			if s.Name == "amx" {
				trap.AMX(t)
			} else if !s.Usable {
				t.Skipf("needs %s", s.Needs)
			}
			f(t, s.Name)
		})
	}
}

func openNarrow(t testing.TB, kernels string, threads int) engine.Context {
	t.Helper()
	c, err := cpu.New("cpu", cpu.Options{Threads: threads, Kernels: kernels, Precision: "bf16"})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestNarrowConformance runs the suite in bfloat16, with the tolerances that follow
// from its unit roundoff as on GPUs, over every set.
func TestNarrowConformance(t *testing.T) {
	everyNarrowSet(t, func(t *testing.T, kernels string) {
		enginetest.Run(t, func(t *testing.T) engine.Context { return openNarrow(t, kernels, 2) }, enginetest.BF16)
	})
}
