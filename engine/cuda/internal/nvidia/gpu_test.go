package nvidia

import (
	"errors"
	"slices"
	"testing"
	"time"
	"unsafe"

	"alexnet/engine/cuda/internal/gpu"
	"alexnet/engine/cuda/internal/kernels"
)

// The tests named TestGPU need a GPU and skip without one. The GPU kit runs them.

// realGPU opens the first GPU, bound to this thread until the test ends.
func realGPU(t *testing.T) gpu.Device {
	t.Helper()
	s := Examine(Options{})
	if len(s.Missing) > 0 {
		t.Skip(s.Missing[0])
	}
	if len(s.Devices) == 0 {
		t.Skipf("the driver shows no GPU: %v", s.Err)
	}
	locked(t)
	d := must[gpu.Device](t)(Open(0, Options{}))
	ok(t, d.Bind())
	return d
}

// TestGPUStream copies, fills, launches and replays on the real driver.
func TestGPUStream(t *testing.T) {
	d := realGPU(t)
	defer func() { ok(t, d.Close()) }()
	const n = 1 << 20
	a, b := must[gpu.Pointer](t)(d.Allocate(4*n)), must[gpu.Pointer](t)(d.Allocate(4*n))
	in, out := must[[]byte](t)(d.AllocateHost(4*n)), must[[]byte](t)(d.AllocateHost(4*n))
	s := must[gpu.Stream](t)(d.NewStream())
	k := must[*kernels.Set](t)(kernels.Load(d, gpu.Float32))
	begin, end := must[gpu.Event](t)(d.NewEvent(true)), must[gpu.Event](t)(d.NewEvent(true))
	for i := range in {
		in[i] = byte(i * 7)
	}
	ok(t, s.Record(begin), s.CopyIn(a, in), s.Copy(b, a, 4*n), s.Fill(b.Add(100), 9, 50), s.CopyOut(out, b), s.Record(end), s.Synchronize())
	if !slices.Equal(in[:100], out[:100]) || !slices.Equal(in[150:], out[150:]) || out[100] != 9 || out[149] != 9 {
		t.Error("copied and filled memory differs")
	}
	took := must[time.Duration](t)(end.Since(begin))
	if took <= 0 || took > time.Second {
		t.Errorf("the copies took %v", took)
	}
	t.Logf("8 MiB in and out took %v", took)

	fill := kernels.Fill{Y: a, Count: n, Value: 2.5}
	ok(t, k.Fill(s, fill), s.Synchronize()) // loaded when first run
	ok(t, s.Fill(a, 0, 4*n), s.Synchronize(), s.Capture(), k.Fill(s, fill), s.Copy(b, a, 4*n))
	g := must[gpu.Graph](t)(s.Captured())
	ok(t, s.Replay(g), s.CopyOut(out, b), s.Synchronize())
	floats := unsafe.Slice((*float32)(unsafe.Pointer(&out[0])), n)
	if floats[0] != 2.5 || floats[n-1] != 2.5 {
		t.Errorf("the graph wrote %v … %v", floats[0], floats[n-1])
	}
	ok(t, g.Close(), begin.Close(), end.Close(), k.Close(), s.Close(), d.FreeHost(in), d.FreeHost(out), d.Free(a), d.Free(b))
}

// TestGPUOutOfMemory: the driver's refusal is told from other failures.
func TestGPUOutOfMemory(t *testing.T) {
	d := realGPU(t)
	defer func() { ok(t, d.Close()) }()
	if _, err := d.Allocate(1 << 50); !errors.Is(err, gpu.ErrOutOfMemory) {
		t.Errorf("a petabyte: %v", err)
	}
}

// TestGPUZLost writes where nothing is, which ends the context for this process:
// it runs last.
func TestGPUZLost(t *testing.T) {
	d := realGPU(t)
	s := must[gpu.Stream](t)(d.NewStream())
	k := must[*kernels.Set](t)(kernels.Load(d, gpu.Float32))
	ok(t, k.Fill(s, kernels.Fill{Y: 1 << 40, Count: 1, Value: 1}))
	err := s.Synchronize()
	if !errors.Is(err, gpu.ErrLost) {
		t.Errorf("a write to nowhere: %v", err)
	}
	t.Log(err)
	if err := s.Synchronize(); !errors.Is(err, gpu.ErrLost) {
		t.Errorf("afterwards: %v", err)
	}
}
