package cuda_test

import (
	"fmt"
	"testing"
	"time"

	"alexnet/engine"
	"alexnet/engine/cuda"
	"alexnet/engine/cuda/internal/emulator"
	"alexnet/engine/enginetest"
)

// TestRanks runs the cases of several ranks on emulated GPUs, one a rank, whose
// streams take their time.
func TestRanks(t *testing.T) {
	for _, o := range []cuda.Options{
		{Precision: cuda.FP32}, {Precision: cuda.BF16}, {Precision: cuda.TF32, Wire: cuda.BF16}, {Precision: cuda.BF16, Wire: cuda.BF16, Separate: true},
	} {
		for _, n := range []int{1, 2, 3, 9} {
			t.Run(fmt.Sprintf("%v, gradients in %v", o.Precision, o.Wire), func(t *testing.T) {
				m := machine(t, emulator.Options{Devices: n, Delay: 200 * time.Microsecond})
				enginetest.RunRanks(t, n, func(t *testing.T, rank int) engine.Context { return open(t, m, o, rank)[0] })
			})
		}
	}
}
