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

// TestGPUReLUKeepsNaN runs every plan for alexnet's convolutions with bias and ReLU
// on NaN. cuDNN is asked to keep it, but of its engines only the slowest promise
// that (CUDNN_NUMERICAL_NOTE_STRICT_NAN_PROP); where it becomes 0, weights of NaN
// give a finite loss, which halts nothing.
func TestGPUReLUKeepsNaN(t *testing.T) {
	d := realGPU(t)
	defer func() { ok(t, d.Close()) }()
	s := must[gpu.Stream](t)(d.NewStream())
	host := must[[]byte](t)(d.AllocateHost(4))
	for layer, c := range alexnet {
		for precision, a := range arithmetic {
			c.N, c.Stride, c.Groups, c.XChannels, c.YChannels = 128, 1, 1, c.C, c.K
			c.Type, c.WeightGradient, c.Math, c.BiasType, c.Bias, c.ReLU = a.t, a.t, a.m, a.t, true, true
			plans, err := d.Convolutions(c, 512<<20, false)
			if err != nil {
				t.Logf("%s in %s: %v", layer, precision, err)
				continue
			}
			h, w := c.Out()
			work := int64(1)
			for _, p := range plans {
				work = max(work, p.Workspace())
			}
			var at [5]gpu.Pointer
			for i, n := range []int64{int64(c.N * c.H * c.W * c.C * 4), int64(c.K * c.Size * c.Size * c.C * 4), int64(c.K * 4), int64(c.N * h * w * c.K * 4), work} {
				at[i] = must[gpu.Pointer](t)(d.Allocate(n))
				ok(t, s.Fill(at[i], map[bool]byte{true: 0xff}[i == 0], n))
			}
			for _, p := range plans {
				if err := p.Run(s, at[0], at[1], at[2], at[3], at[4]); err != nil {
					t.Errorf("%s in %s, %s: %v", layer, precision, p.Name(), err)
					continue
				}
				ok(t, s.CopyOut(host[:a.t.Size()], at[3]), s.Synchronize(), s.Fill(at[3], 0, 4))
				high := uint16(host[a.t.Size()-2]) | uint16(host[a.t.Size()-1])<<8 // bfloat16 is the upper half of float32
				if high&0x7fff <= 0x7f80 {
					t.Errorf("%s in %s, %s: NaN becomes %#x", layer, precision, p.Name(), high)
				}
				ok(t, p.Close())
			}
			for _, p := range at {
				ok(t, s.Synchronize(), d.Free(p))
			}
		}
	}
	ok(t, d.FreeHost(host), s.Close())
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
