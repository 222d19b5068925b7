package nvidia_test

import (
	"strings"
	"testing"

	"alexnet/engine"
	"alexnet/engine/cuda"
	"alexnet/engine/cuda/internal/gpu"
	"alexnet/engine/cuda/internal/kernels/host"
	"alexnet/engine/cuda/internal/nvidia"
	"alexnet/engine/enginetest"
)

// TestWholeStack runs the engine's suite on contexts over this package, down to
// C: the fake driver runs the CUDA sources compiled for the host, and the fake
// cuBLASLt and cuDNN compute from the descriptors they were given. What is left
// for a real GPU is NVIDIA's side of these calls.
func TestWholeStack(t *testing.T) {
	kernels, err := host.Build()
	if err != nil {
		t.Skip("kernels for the host: ", err)
	}
	open := nvidia.Fake(t, kernels.Launch)
	for name, o := range map[string]cuda.Options{
		"deterministic": {Deterministic: true}, "timed": {}, "separate and eager": {Separate: true, Eager: true},
	} {
		t.Run(name, func(t *testing.T) {
			if testing.Short() && name != "deterministic" {
				t.Skip("slow")
			}
			next := 0
			opener := func() (engine.Context, error) {
				d, err := open(next % 2)
				next++
				if err != nil {
					return nil, err
				}
				c, err := cuda.On([]gpu.Device{d}, []string{"cuda:0"}, o)
				if err != nil {
					return nil, err
				}
				return c[0], nil
			}
			for _, c := range enginetest.Cases() {
				if c.Slow || name == "timed" && !strings.HasPrefix(c.Name, "conv ") && !strings.HasPrefix(c.Name, "dense ") {
					continue
				}
				t.Run(c.Name, func(t *testing.T) {
					if _, err := c.Check(opener, enginetest.FP32); err != nil {
						t.Error(err)
					}
				})
			}
		})
	}
}

// TestWholeStackRanks runs the cases of ranks down to C in the same way: the fake
// NCCL adds up what three ranks call it with.
func TestWholeStackRanks(t *testing.T) {
	kernels, err := host.Build()
	if err != nil {
		t.Skip("kernels for the host: ", err)
	}
	open := nvidia.Fake(t, kernels.Launch)
	for _, wire := range []cuda.Precision{cuda.FP32, cuda.BF16} {
		t.Run(wire.String(), func(t *testing.T) {
			enginetest.RunRanks(t, 3, func(t *testing.T, rank int) engine.Context {
				d, err := open(rank % 2)
				if err != nil {
					t.Fatal(err)
				}
				c, err := cuda.On([]gpu.Device{d}, []string{"cuda:0"}, cuda.Options{Wire: wire})
				if err != nil {
					t.Fatal(err)
				}
				return c[0]
			})
		})
	}
}
