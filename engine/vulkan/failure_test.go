package vulkan

import (
	"encoding/binary"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"alexnet/engine"
	"alexnet/engine/vulkan/internal/vk"
)

// pair opens two contexts on vulkan:0, or skips the test.
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

// TestLargeTensor: a tensor may be larger than what a device binds at once, since shaders
// have addresses.
func TestLargeTensor(t *testing.T) {
	if os.Getenv("ALEXNET_VULKAN") == "" {
		t.Skip("make check-vulkan runs it")
	}
	c, _ := pair(t)
	limit := int(c.device.GPU.Limits.MaxStorageBufferRange)
	if limit > 256<<20 {
		t.Skipf("the device binds %d bytes at once", limit)
	}
	n := limit/4 + 1000
	x := values(c, "x", n)
	p := compile(t, c, engine.Activate{X: x, Y: x})
	got, want := make([]float32, n), make([]float32, n)
	for i := range want {
		want[i] = float32(i%1000 - 500)
	}
	if err := errors.Join(c.Upload(x, want), p.Run(engine.Step{}), c.Download(got, x), c.Sync()); err != nil {
		t.Fatal(err)
	}
	for i := range got {
		if got[i] != max(0, want[i]) {
			t.Fatalf("element %d is %v, want %v", i, got[i], max(0, want[i]))
		}
	}
}

// TestLeastLimits: tiles and workgroups fit a device that allows no more than every
// device does.
func TestLeastLimits(t *testing.T) {
	c, _ := pair(t)
	l := &c.device.GPU.Limits
	was := *l
	defer func() { *l = was }()
	l.MaxComputeWorkGroupInvocations, l.MaxComputeWorkGroupSize[0], l.MaxComputeSharedMemorySize = 128, 128, 16384
	if n := c.threads(); n != 128 {
		t.Errorf("%d threads", n)
	}
	for _, shape := range [][2]int{{5, 5}, {40, 40}, {500, 500}} {
		if tile := c.tileFor("dense", &product{m: shape[0], n: shape[1], z: 1, terms: 10}); tile.threads > 128 || tile.shared() > 16384 {
			t.Errorf("%v: %v", shape, tile)
		}
	}
	x, k, b, y := values(c, "x", 300), values(c, "k", 1), values(c, "b", 1), values(c, "y", 40)
	k.Type, k.Shape, b.Type, b.Shape = engine.Master, engine.Shape{40, 300, 1, 1}, engine.Master, engine.Shape{40, 1, 1, 1}
	p := compile(t, c, engine.DenseForward{X: x, W: k, B: b, Y: y}, engine.Activate{X: y, Y: y})
	ones, weights, got := make([]float32, 300), make([]float32, 40*300), make([]float32, 40)
	for i := range ones {
		ones[i] = 1
	}
	for i := range weights {
		weights[i] = float32(i / 300)
	}
	if err := errors.Join(c.Upload(x, ones), c.Upload(k, weights), c.Upload(b, make([]float32, 40)), p.Run(engine.Step{}), c.Download(got, y), c.Sync()); err != nil {
		t.Fatal(err)
	}
	for i := range got {
		if got[i] != float32(300*i) {
			t.Errorf("unit %d is %v, want %d", i, got[i], 300*i)
		}
	}
}

// TestLongPrograms: a program with more work than a system lets a device do at once is
// submitted in parts, and computes the same.
func TestLongPrograms(t *testing.T) {
	run := func(mostWork float64) (sums []float32, submissions uint64) {
		c, _ := pair(t)
		c.mostWork = mostWork
		x, k, b, y, z := values(c, "x", 30), values(c, "k", 1), values(c, "b", 1), values(c, "y", 30), values(c, "z", 30)
		k.Type, k.Shape, b.Type, b.Shape = engine.Master, engine.Shape{30, 30, 1, 1}, engine.Master, engine.Shape{30, 1, 1, 1}
		dense := func(x, y *engine.Tensor) engine.Op { return engine.DenseForward{X: x, W: k, B: b, Y: y} }
		p := compile(t, c, engine.Activate{X: x, Y: x}, dense(x, y), engine.Activate{X: y, Y: y}, dense(y, z), engine.Activate{X: z, Y: z}, dense(z, y))
		weights := make([]float32, 30*30)
		for i := range weights {
			weights[i] = float32(i%7)/7 - 0.4
		}
		sums = make([]float32, 30)
		if err := errors.Join(c.Upload(x, weights[:30]), c.Upload(k, weights), c.Upload(b, weights[:30]), c.Sync()); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			submissions = c.submitted
			if err := errors.Join(p.Run(engine.Step{}), c.Sync()); err != nil {
				t.Fatal(err)
			}
			submissions = c.submitted - submissions
		}
		if err := errors.Join(c.Download(sums, y), c.Sync()); err != nil {
			t.Fatal(err)
		}
		return sums, submissions
	}
	want, one := run(mostWork)
	for mostWork, parts := range map[float64]uint64{900: 3, 1800: 2} {
		if got, n := run(mostWork); n != parts || one != 1 || !slices.Equal(got, want) {
			t.Errorf("at most %v multiplications: %d submissions, not %d, of %v, not %v", mostWork, n, parts, got, want)
		}
	}
}

// TestNoNullAddress: a shader gets no null address for a tensor that there is not. The
// lavapipe of Mesa 26.2 reads it, and drops the value.
func TestNoNullAddress(t *testing.T) {
	c, _ := pair(t)
	w, v, g := values(c, "w", 8), values(c, "v", 8), values(c, "g", 8)
	w.Type, v.Type, g.Type = engine.Master, engine.Float32, engine.Float32
	update := engine.Update{W: w, V: v, G: g} // no Halt
	p := compile(t, c, update)
	if err := errors.Join(p.Run(engine.Step{}), c.Sync()); err != nil {
		t.Fatal(err)
	}
	s, err := c.lower([]engine.Op{update}, 0)
	if err != nil {
		t.Fatal(err)
	}
	arguments := s.dispatches[0].push(c.binder(0))
	begin, end := c.own.block.Address, c.stepAt()
	for i := range 5 { // w, v, g, halt, step
		if at := vk.Address(binary.LittleEndian.Uint64(arguments[8*i:])); at < begin || at > end {
			t.Errorf("address %d is %#x, not from %#x to %#x", i, at, begin, end)
		}
	}
}
