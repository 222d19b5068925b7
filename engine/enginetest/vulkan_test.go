package enginetest_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"alexnet/engine"
	"alexnet/engine/devices"
	"alexnet/engine/enginetest"
)

// openVulkan opens a list of contexts of which some are vulkan:0, or skips.
func openVulkan(t *testing.T, list string, o devices.Options) []engine.Context {
	t.Helper()
	if os.Getenv("ALEXNET_VULKAN") == "" {
		t.Skip("make check-vulkan runs it")
	}
	contexts, err := devices.Open(list, o)
	if err != nil {
		t.Skip(err)
	}
	return contexts
}

// TestVulkanGolden compares the presets with PyTorch's numbers on a Vulkan device in
// float32, as TestGolden does on the CPU. It skips without a device.
func TestVulkanGolden(t *testing.T) {
	for _, net := range []string{"alexnet-mini", "alexnet"} {
		for _, list := range []string{"vulkan:0", "vulkan:0,vulkan:0", "cpu,vulkan:0"} {
			t.Run(fmt.Sprintf("%s on %s", net, list), func(t *testing.T) {
				if net == "alexnet" && testing.Short() {
					t.Skip("the full net takes minutes in software")
				}
				g := readGolden(t, net)
				m := newModel(t, g, 1, openVulkan(t, list, devices.Options{}))
				defer m.Close()
				g.check(t, m)
			})
		}
	}
}

// TestVulkanMeetsCPU runs the cases in which two contexts meet on a processor and a
// Vulkan device.
func TestVulkanMeetsCPU(t *testing.T) {
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
