package cuda_test

import (
	"fmt"
	"testing"

	"alexnet/engine"
	"alexnet/engine/cuda"
	"alexnet/engine/cuda/internal/emulator"
	"alexnet/engine/enginetest"
)

// TestConformance runs the engine's suite on emulated GPUs in every precision.
// Cases with two contexts get them on one GPU or on two.
func TestConformance(t *testing.T) {
	for _, precision := range []cuda.Precision{cuda.FP32, cuda.TF32, cuda.BF16} {
		for _, devices := range []int{1, 2} {
			if testing.Short() && devices == 2 && precision != cuda.BF16 {
				continue
			}
			t.Run(fmt.Sprintf("%v/devices=%d", precision, devices), func(t *testing.T) {
				m := machine(t, emulator.Options{Devices: devices})
				next := 0
				enginetest.Run(t, func(t *testing.T) engine.Context {
					c := open(t, m, cuda.Options{Precision: precision, Deterministic: true}, next%devices)[0]
					next++
					return c
				}, tolerances[precision])
			})
		}
	}
}

// TestTimedPlans runs the suite with plans chosen by time.
func TestTimedPlans(t *testing.T) {
	if testing.Short() {
		t.Skip("every plan runs several times")
	}
	m := machine(t, emulator.Options{})
	enginetest.Run(t, func(t *testing.T) engine.Context {
		return open(t, m, cuda.Options{Precision: cuda.BF16}, 0)[0]
	}, enginetest.BF16)
}
