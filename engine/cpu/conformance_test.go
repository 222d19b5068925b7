package cpu_test

import (
	"fmt"
	"slices"
	"testing"

	"alexnet/engine"
	"alexnet/engine/cpu"
	"alexnet/engine/enginetest"
)

// usable are the names of the sets of kernels that this machine can run, the
// fastest first.
func usable() (names []string) {
	for _, s := range slices.Backward(cpu.Kernels("fp32")) {
		if s.Usable {
			names = append(names, s.Name)
		}
	}
	return names
}

// TestConformance runs the suite over every set of kernels, and with the fastest
// on other numbers of threads too.
func TestConformance(t *testing.T) {
	for _, kernels := range usable() {
		for _, threads := range []int{2, 1, 3} {
			if threads != 2 && (testing.Short() || kernels != usable()[0]) {
				continue
			}
			t.Run(fmt.Sprintf("%s/threads=%d", kernels, threads), func(t *testing.T) {
				enginetest.Run(t, func(t *testing.T) engine.Context {
					c, err := cpu.New("cpu", cpu.Options{Threads: threads, Kernels: kernels})
					if err != nil {
						t.Fatal(err)
					}
					return c
				}, enginetest.FP32)
			})
		}
	}
}
