package cuda_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"alexnet/engine"
	"alexnet/engine/cpu"
	"alexnet/engine/cuda"
	"alexnet/engine/enginetest"
)

// The tests named TestGPU need a GPU and skip without one. The GPU kit runs them.

// gpus skips a test where there is no GPU, and keeps the first open so that
// opening it again is cheap.
func gpus(t *testing.T) cuda.Survey {
	t.Helper()
	s := cuda.Examine()
	if len(s.Missing) > 0 {
		t.Skipf("no %s: %s", s.Missing[0].Name, s.Missing[0].Why)
	}
	if s.Err != nil || len(s.GPUs) == 0 {
		t.Skipf("the driver shows no GPU: %v", s.Err)
	}
	for _, l := range s.Libraries {
		t.Logf("%s %s, %s", l.Name, l.Version, l.Path)
	}
	kept := onGPU(t, cuda.Options{}, "cuda:0")[0]
	t.Cleanup(func() {
		if err := kept.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func onGPU(t *testing.T, o cuda.Options, names ...string) []engine.Context {
	t.Helper()
	contexts, err := cuda.Open(names, o)
	if err != nil {
		t.Fatal(err)
	}
	return contexts
}

// realPlacements are of two towers on the GPUs there are.
func realPlacements(s cuda.Survey) [][]string {
	all := [][]string{{"cuda:0"}, {"cuda:0", "cuda:0"}}
	if len(s.GPUs) > 1 {
		all = append(all, []string{"cuda:0", "cuda:1"})
	}
	return all
}

func TestGPUConformance(t *testing.T) {
	gpus(t)
	for _, precision := range []cuda.Precision{cuda.FP32, cuda.TF32, cuda.BF16} {
		t.Run(precision.String(), func(t *testing.T) {
			enginetest.Run(t, func(t *testing.T) engine.Context {
				return onGPU(t, cuda.Options{Precision: precision, Deterministic: true}, "cuda:0")[0]
			}, tolerances[precision])
		})
	}
}

// TestGPUThin is TestGPUConformance without its repetitions, for a card that is at
// hand for minutes.
func TestGPUThin(t *testing.T) {
	gpus(t)
	for _, precision := range []cuda.Precision{cuda.FP32, cuda.TF32, cuda.BF16} {
		t.Run(precision.String(), func(t *testing.T) {
			enginetest.RunCases(t, enginetest.Thin(), func(t *testing.T) engine.Context {
				return onGPU(t, cuda.Options{Precision: precision, Deterministic: true, Note: func(line string) { t.Log(line) }}, "cuda:0")[0]
			}, tolerances[precision])
		})
	}
}

// TestGPUTimedPlans runs the cases of convolutions and products with the plans
// that are fastest here.
func TestGPUTimedPlans(t *testing.T) {
	gpus(t)
	for _, precision := range []cuda.Precision{cuda.FP32, cuda.TF32, cuda.BF16} {
		open := func() (engine.Context, error) {
			contexts, err := cuda.Open([]string{"cuda:0"}, cuda.Options{Precision: precision})
			if err != nil {
				return nil, err
			}
			return contexts[0], nil
		}
		for _, c := range enginetest.Cases() {
			if !strings.HasPrefix(c.Name, "conv ") && !strings.HasPrefix(c.Name, "dense ") && !strings.HasPrefix(c.Name, "program/ReLU") {
				continue
			}
			t.Run(precision.String()+"/"+c.Name, func(t *testing.T) {
				if _, err := c.Check(open, tolerances[precision]); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// TestGPUTrainingAgreesWithCPU allows what TestTrainingAgreesWithCPU does.
func TestGPUTrainingAgreesWithCPU(t *testing.T) {
	s := gpus(t)
	const net, batch, steps = "alexnet-mini", 8, 3
	host := func(steps int) trained {
		c, err := cpu.New("cpu", cpu.Options{})
		if err != nil {
			t.Fatal(err)
		}
		return train(t, net, batch, steps, []engine.Context{c})
	}
	start, want := host(0), host(steps)
	for _, precision := range []cuda.Precision{cuda.FP32, cuda.TF32, cuda.BF16} {
		for _, names := range realPlacements(s) {
			t.Run(fmt.Sprintf("%v on %v", precision, names), func(t *testing.T) {
				got := train(t, net, batch, steps, onGPU(t, cuda.Options{Precision: precision}, names...))
				agree(t, net, batch, precision, start, want, got)
			})
		}
	}
}

// TestGPURepeats: with Deterministic, runs end in the same bits.
func TestGPURepeats(t *testing.T) {
	s := gpus(t)
	for _, precision := range []cuda.Precision{cuda.FP32, cuda.TF32, cuda.BF16} {
		for _, names := range realPlacements(s) {
			t.Run(fmt.Sprintf("%v on %v", precision, names), func(t *testing.T) {
				run := func() trained {
					return train(t, "alexnet-mini", 32, 6, onGPU(t, cuda.Options{Precision: precision, Deterministic: true}, names...))
				}
				a, b := run(), run()
				if !slices.Equal(a.loss, b.loss) || !slices.Equal(a.probs, b.probs) || !maps.EqualFunc(a.weights, b.weights, slices.Equal) {
					t.Error("two runs differ")
				}
			})
		}
	}
}

// TestGPURanks runs the cases of ranks through NCCL on two GPUs, or with one rank
// where there is one GPU.
func TestGPURanks(t *testing.T) {
	s := gpus(t)
	if !slices.ContainsFunc(s.Libraries, func(l cuda.Library) bool { return l.Name == "NCCL" }) {
		t.Skip("no NCCL: pip install nvidia-nccl-cu12 or nvidia-nccl-cu13")
	}
	for _, o := range []cuda.Options{{Precision: cuda.FP32}, {Precision: cuda.BF16, Wire: cuda.BF16}} {
		t.Run(o.Precision.String(), func(t *testing.T) {
			enginetest.RunRanks(t, min(2, len(s.GPUs)), func(t *testing.T, rank int) engine.Context {
				return onGPU(t, o, fmt.Sprintf("cuda:%d", rank))[0]
			})
		})
	}
}

// TestGPUOutOfMemory asks for more than any GPU has, and then works on.
func TestGPUOutOfMemory(t *testing.T) {
	gpus(t)
	c := onGPU(t, cuda.Options{}, "cuda:0")[0]
	err := c.Reserve(1<<50, 0)
	if err == nil || !strings.Contains(err.Error(), "memory") {
		t.Errorf("a petabyte: %v", err)
	}
	t.Log(err)
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	train(t, "alexnet-mini", 8, 1, onGPU(t, cuda.Options{}, "cuda:0"))
}
