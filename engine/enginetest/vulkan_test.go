package enginetest_test

import (
	"os"
	"strings"
	"testing"

	"alexnet/engine"
	"alexnet/engine/devices"
	"alexnet/engine/enginetest"
	"alexnet/engine/vulkan"
)

// needsVulkan skips a test without a device. Otherwise Khronos' validation layer, if it
// is installed, checks every call of the test; any message of it is a failure.
func needsVulkan(t *testing.T) {
	t.Helper()
	if os.Getenv("ALEXNET_VULKAN") == "" {
		t.Skip("make check-vulkan runs it")
	}
	contexts, err := vulkan.Open([]string{"vulkan:0"}, vulkan.Options{Validate: true}) // for all that open the device meanwhile
	if err != nil {
		t.Logf("without the validation layer: %v", err)
		contexts, err = vulkan.Open([]string{"vulkan:0"}, vulkan.Options{})
	}
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() {
		if err := contexts[0].Close(); err != nil {
			t.Error(err)
		}
		for _, m := range vulkan.Messages() {
			t.Errorf("validation: %s", m)
		}
	})
}

// openVulkan opens a list of contexts of which some are vulkan:0, or skips.
func openVulkan(t *testing.T, list string, o devices.Options) []engine.Context {
	t.Helper()
	contexts, err := devices.Open(list, o)
	if err != nil {
		t.Skip(err)
	}
	return contexts
}

// TestVulkanGolden compares alexnet-mini with PyTorch's numbers on a Vulkan device in
// float32, as TestGolden does on the CPU. It skips without a device.
func TestVulkanGolden(t *testing.T) {
	needsVulkan(t)
	for _, list := range []string{"vulkan:0", "vulkan:0,vulkan:0", "cpu,vulkan:0"} {
		t.Run(list, func(t *testing.T) {
			g := readGolden(t, "alexnet-mini")
			m := newModel(t, g, 1, openVulkan(t, list, devices.Options{}))
			defer m.Close()
			g.check(t, m)
		})
	}
}

// TestVulkanGoldenNarrow compares bfloat16 on a Vulkan device with PyTorch's autocast and
// its float64, as TestGoldenNarrow does on the CPU. Here weights are not rounded in
// products, so once they have been updated the two ways part: each stays as near to
// float64, but not to the other. By matrices they are rounded to more digits than
// autocast's, and are compared with float64 alone.
func TestVulkanGoldenNarrow(t *testing.T) {
	needsVulkan(t)
	narrow, exact := readGolden(t, "alexnet-mini-bf16"), readGolden(t, "alexnet-mini")
	for _, list := range []string{"vulkan:0", "vulkan:0,vulkan:0"} {
		t.Run(list, func(t *testing.T) {
			m := newModel(t, narrow, 1, openVulkan(t, list, devices.Options{Precision: "bf16"}))
			defer m.Close()
			checkNarrow(t, m, narrow, exact, 1)
		})
	}
	t.Run("by matrices", func(t *testing.T) {
		if gpu := vulkan.Examine().GPUs[0]; gpu.Matrices == "" {
			t.Skip(gpu.Model, " multiplies no matrices of float16 by itself")
		}
		contexts, err := vulkan.Open([]string{"vulkan:0"}, vulkan.Options{Precision: "bf16", Matrices: vulkan.MatricesOn})
		if err != nil {
			t.Fatal(err)
		}
		m := newModel(t, narrow, 1, contexts)
		defer m.Close()
		checkNarrow(t, m, narrow, exact, 0)
	})
}

// TestVulkanGoldenWhole compares an inference and the first step of the whole net, whose
// fc6 has more weights than lavapipe binds at once: most of a minute in software.
func TestVulkanGoldenWhole(t *testing.T) {
	needsVulkan(t)
	g := readGolden(t, "alexnet")
	m := newModel(t, g, 1, openVulkan(t, "vulkan:0", devices.Options{}))
	defer m.Close()
	b, step := g.batch(m, 0)
	got, err := m.Infer(b)
	if err != nil {
		t.Fatal(err)
	}
	checkOutcome(t, "inference", got, g.Infer, g.Rounding.Infer)
	if got, err = m.Train(b, step); err != nil {
		t.Fatal(err)
	}
	checkOutcome(t, "step 0", got, g.Train[0], g.Rounding.Train[0])
	checkArrays(t, m, engine.Gradient, "gradients", g.Gradients, g)
}

// TestVulkanWithCPU runs the cases in which two contexts exchange tensors, on a processor and a
// Vulkan device.
func TestVulkanWithCPU(t *testing.T) {
	needsVulkan(t)
	for _, list := range []string{"cpu,vulkan:0", "vulkan:0,cpu"} {
		for _, c := range enginetest.Cases() {
			if !strings.HasPrefix(c.Name, "events/") || strings.HasPrefix(c.Name, "events/own") { // these open one
				continue
			}
			t.Run(list+"/"+c.Name, func(t *testing.T) {
				open := enginetest.Pairs(func() ([]engine.Context, error) { return openVulkan(t, list, devices.Options{}), nil })
				if _, err := c.Check(open, enginetest.FP32); err != nil {
					t.Error(err)
				}
			})
		}
	}
}
