package vulkan

import (
	"errors"
	"os"
	"strings"
	"testing"

	"alexnet/engine"
	"alexnet/engine/vulkan/internal/vk"
)

// pair opens two contexts on vulkan:0 where there is one.
func pair(t *testing.T) (a, b *Context) {
	t.Helper()
	contexts, err := Open([]string{"vulkan:0", "vulkan:0"}, Options{})
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() {
		for _, c := range contexts {
			if err := c.Close(); err != nil {
				t.Error(err)
			}
		}
	})
	return contexts[0].(*Context), contexts[1].(*Context)
}

// compile makes a program of ops on tensors of c.
func compile(t *testing.T, c *Context, ops ...engine.Op) engine.Program {
	t.Helper()
	plan := engine.PlanArena(c, ops)
	if err := c.Reserve(plan.Arena(), plan.Workspace); err != nil {
		t.Fatal(err)
	}
	p, err := c.Compile(ops)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func values(c *Context, name string, n int) *engine.Tensor {
	return &engine.Tensor{Name: name, Shape: engine.Shape{1, n, 1, 1}, Life: engine.Persistent, Context: c}
}

// TestLostDevice: a context whose device is lost says so from then on, as does one that
// awaits it, and both close.
func TestLostDevice(t *testing.T) {
	a, b := pair(t)
	x, y := values(a, "x", 100), values(b, "y", 100)
	done := a.NewEvent()
	first := compile(t, a, engine.Activate{X: x, Y: x}, engine.Signal{Event: done})
	second := compile(t, b, engine.Await{Event: done}, engine.Concat{Parts: []*engine.Tensor{x}, Y: y})
	if err := errors.Join(first.Run(engine.Step{}), second.Run(engine.Step{}), a.Sync(), b.Sync()); err != nil {
		t.Fatal(err)
	}
	restore := a.device.Fail("vkQueueSubmit", vk.Lost)
	defer restore()
	if err := errors.Join(second.Run(engine.Step{}), first.Run(engine.Step{})); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		c    *Context
		want string
	}{{a, "the device is lost; what was in its memory is gone: vkQueueSubmit: VK_ERROR_DEVICE_LOST"}, {b, "it awaits vulkan:0, which has failed: the device is lost"}} {
		for range 2 {
			if err := c.c.Sync(); !errors.Is(err, vk.ErrLost) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %s", err, c.want)
			}
		}
		if err := c.c.Upload(x, make([]float32, 100)); !errors.Is(err, vk.ErrLost) {
			t.Errorf("upload: %v", err)
		}
	}
}

// TestTooLarge: a net that has no room is refused with what there is.
func TestTooLarge(t *testing.T) {
	a, b := pair(t)
	_, total := a.device.GPU.Memory()
	err := a.Reserve(2*total, 0)
	if !errors.Is(err, vk.ErrOutOfMemory) || !strings.Contains(err.Error(), "choose a smaller batch") || !strings.Contains(err.Error(), "VK_ERROR_OUT_OF_DEVICE_MEMORY") {
		t.Error(err)
	}
	restore := b.device.Fail("vkAllocateMemory", vk.NoDeviceMemory)
	defer restore()
	if err := b.Reserve(1000, 0); !errors.Is(err, vk.ErrOutOfMemory) {
		t.Error(err)
	}
	if r, err := a.Room(); err != nil || r.Total != total || r.Where != a.device.GPU.Name {
		t.Errorf("%+v, %v", r, err)
	}
}

// TestPeerIsGone: closing a context doesn't take away what another one reads.
func TestPeerIsGone(t *testing.T) {
	a, b := pair(t)
	x, y := values(a, "x", 100), values(b, "y", 100)
	compile(t, a, engine.Activate{X: x, Y: x})
	gather := compile(t, b, engine.Concat{Parts: []*engine.Tensor{x}, Y: y})
	got, want := make([]float32, 100), make([]float32, 100)
	for i := range want {
		want[i] = float32(i)
	}
	if err := errors.Join(a.Upload(x, want), a.Sync(), gather.Run(engine.Step{}), b.Sync(), a.Close()); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(gather.Run(engine.Step{}), b.Download(got, y), b.Sync()); err != nil {
		t.Fatal(err)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("element %d is %v, want %v", i, got[i], want[i])
		}
	}
	if err := a.Sync(); !errors.Is(err, errClosed) {
		t.Error(err)
	}
}

// TestSteadyStateAllocatesNothing runs a program again and again, with an upload before
// it and a download behind. What is left is the mark, and what the call itself takes.
func TestSteadyStateAllocatesNothing(t *testing.T) {
	c, _ := pair(t)
	x, y := values(c, "x", 500), values(c, "y", 500)
	done := c.NewEvent()
	p := compile(t, c, engine.Dropout{Rate: 0.5, Width: 500, Train: true, X: x, Y: y}, engine.Signal{Event: done}, engine.Await{Event: done}, engine.Activate{X: y, Y: y})
	var src, dst any = make([]float32, 500), make([]float32, 500)
	n := testing.AllocsPerRun(100, func() {
		if err := errors.Join(c.Upload(x, src), p.Run(engine.Step{}), c.Download(dst, y), c.Mark().Wait()); err != nil {
			t.Fatal(err)
		}
	})
	if n > 1 {
		t.Errorf("%v allocations a step, want the mark's", n)
	}
}

// TestRefused: names and precisions that there are none of.
func TestRefused(t *testing.T) {
	for name, want := range map[string]string{
		"vulkan:x": "want vulkan: and the number of a device", "vulkan:-1": "want vulkan:", "cuda:0": "want vulkan:", "vulkan:": "want vulkan:",
	} {
		if _, err := Open([]string{name}, Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", name, err, want)
		}
	}
	if _, err := Open([]string{"vulkan:0"}, Options{Precision: "fp8"}); err == nil || !strings.Contains(err.Error(), "want fp32 or bf16") {
		t.Error(err)
	}
	if os.Getenv("ALEXNET_VULKAN") == "" {
		return
	}
	if _, err := Open([]string{"vulkan:99"}, Options{}); err == nil || !strings.Contains(err.Error(), "Vulkan lists") {
		t.Error(err)
	}
}
