package cuda_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"alexnet/engine"
	"alexnet/engine/cuda"
	"alexnet/engine/cuda/internal/emulator"
	"alexnet/engine/enginetest"
)

// TestConformance runs the engine's suite on an emulated GPU in every precision,
// with plans taken untimed, as on every machine where results must repeat. TF32
// differs from FP32 in the rounding of products only, so it runs a thinned suite.
func TestConformance(t *testing.T) {
	for _, precision := range []cuda.Precision{cuda.FP32, cuda.TF32, cuda.BF16} {
		t.Run(precision.String(), func(t *testing.T) {
			m := machine(t, emulator.Options{})
			cases := enginetest.Cases()
			if precision == cuda.TF32 {
				cases = enginetest.Thin()
			}
			enginetest.RunCases(t, cases, func(t *testing.T) engine.Context {
				return open(t, m, cuda.Options{Precision: precision, Deterministic: true}, 0)[0]
			}, tolerances[precision])
		})
	}
}

// TestTwoGPUs runs the cases in which two contexts meet on two GPUs, whose
// streams take their time.
func TestTwoGPUs(t *testing.T) {
	for _, precision := range []cuda.Precision{cuda.FP32, cuda.BF16} {
		m := machine(t, emulator.Options{Devices: 2, Delay: 200 * time.Microsecond})
		runCases(t, m, cuda.Options{Precision: precision, Deterministic: true}, 2, "events/")
	}
}

// TestTimedPlans runs the cases of products with plans chosen by time.
func TestTimedPlans(t *testing.T) {
	if testing.Short() {
		t.Skip("every plan runs several times")
	}
	runCases(t, machine(t, emulator.Options{}), cuda.Options{Precision: cuda.BF16}, 1, "conv ", "dense ", "program/")
}

// runCases runs the suite's cases with one of some prefixes, opening contexts on
// the machine's devices in turn.
func runCases(t *testing.T, m *emulator.Machine, o cuda.Options, devices int, prefixes ...string) {
	next := 0
	opener := func() (engine.Context, error) {
		c, err := tryOpen(m, o, next%devices)
		next++
		if err != nil {
			return nil, err
		}
		return c[0], nil
	}
	for _, c := range enginetest.Cases() {
		if !slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(c.Name, p) }) {
			continue
		}
		t.Run(fmt.Sprintf("%v/%s", o.Precision, c.Name), func(t *testing.T) {
			if _, err := c.Check(opener, tolerances[o.Precision]); err != nil {
				t.Error(err)
			}
		})
	}
}
