package emulator

import (
	"errors"
	"runtime"
	"strings"
	"testing"
	"unsafe"

	"alexnet/engine/cuda/internal/gpu"
)

// open makes a machine whose first device the test's thread has bound.
func open(t *testing.T, o Options) (*Machine, *Device) {
	t.Helper()
	runtime.LockOSThread()
	t.Cleanup(runtime.UnlockOSThread)
	m := New(o)
	must(t, m.Device(0).Bind())
	return m, m.Device(0)
}

func must(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

func get[T any](t *testing.T) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		must(t, err)
		return v
	}
}

// wants checks that err says text.
func wants(t *testing.T, err error, text string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), text) {
		t.Errorf("error %v, want one with %q", err, text)
	}
}

// adder is a launcher of one kernel that adds 1 to a byte.
type adder struct{}

func (adder) Launch(_ string, _, _ [3]uint32, _ uint32, params []byte) error {
	p := *(*gpu.Pointer)(unsafe.Pointer(unsafe.SliceData(params)))
	view[byte](p, 1)[0]++
	return nil
}

func TestReportsMisuse(t *testing.T) {
	m, d := open(t, Options{Memory: 1 << 20})
	p := get[gpu.Pointer](t)(d.Allocate(1000))
	s := get[gpu.Stream](t)(d.NewStream())
	host := get[[]byte](t)(d.AllocateHost(1000))
	_, err := d.Allocate(1 << 20)
	if !errors.Is(err, gpu.ErrOutOfMemory) {
		t.Errorf("allocating too much: %v", err)
	}
	wants(t, s.CopyIn(p, make([]byte, 8)), "not page-locked")
	wants(t, s.CopyIn(p.Add(996), host[:8]), "outside every allocation")
	must(t, s.Capture())
	_, err = d.Allocate(8)
	wants(t, err, "capturing")
	wants(t, s.Synchronize(), "capturing")
	e := &event{device: d}
	wants(t, s.Record(e), "event in a captured graph")
	g := get[gpu.Graph](t)(s.Captured())
	wants(t, m.Check(), "not closed")
	must(t, g.Close(), s.Close(), d.FreeHost(host))
	view[byte](p, 1001)[1000] = 1
	must(t, d.Free(p))
	wants(t, m.Check(), "behind an allocation")

	done := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		_, err := d.Allocate(8)
		done <- err
	}()
	wants(t, <-done, "not called Bind")
}

func TestReplaysGraphs(t *testing.T) {
	m, d := open(t, Options{Kernels: adder{}})
	module := get[gpu.Module](t)(d.Load([]byte(".version 8.4\n.visible .entry add(")))
	_, err := module.Kernel("subtract")
	wants(t, err, "not found")
	k := get[gpu.Kernel](t)(module.Kernel("add"))
	s := get[gpu.Stream](t)(d.NewStream())
	p := get[gpu.Pointer](t)(d.Allocate(256))
	host := get[[]byte](t)(d.AllocateHost(1))
	must(t, s.Fill(p, 10, 1), s.Capture())
	params := unsafe.Slice((*byte)(unsafe.Pointer(&p)), 8)
	must(t, s.Launch(k, gpu.Launch{Grid: [3]uint32{1, 1, 1}, Block: [3]uint32{1, 1, 1}}, params))
	g := get[gpu.Graph](t)(s.Captured())
	for range 3 {
		must(t, s.Replay(g))
	}
	must(t, s.CopyOut(host, p), s.Synchronize())
	if host[0] != 13 {
		t.Errorf("three replays on 10 give %d, want 13", host[0])
	}
	must(t, g.Close(), module.Close(), s.Close(), d.Free(p), d.FreeHost(host), m.Check())
}

func TestEventsOrderStreams(t *testing.T) {
	m, d := open(t, Options{})
	a, b := get[gpu.Stream](t)(d.NewStream()), get[gpu.Stream](t)(d.NewStream())
	e := get[gpu.Event](t)(d.NewEvent(false))
	p := get[gpu.Pointer](t)(d.Allocate(1 << 20))
	host := get[[]byte](t)(d.AllocateHost(1))
	for round := range byte(50) {
		must(t, a.Fill(p, round, 1<<20), a.Record(e))
		must(t, b.Wait(e), b.CopyOut(host, p.Add(1<<20-1)), b.Synchronize())
		if host[0] != round {
			t.Fatalf("round %d: the copy ran before the fill", round)
		}
	}
	must(t, a.Close(), b.Close(), e.Close(), d.Free(p), d.FreeHost(host), m.Check())
}

func TestLostDevice(t *testing.T) {
	_, d := open(t, Options{})
	s := get[gpu.Stream](t)(d.NewStream())
	d.Lose()
	if err := s.Synchronize(); !errors.Is(err, gpu.ErrLost) {
		t.Errorf("synchronising a lost device: %v", err)
	}
	must(t, s.Close())
}

// A convolution with one channel, written out by hand.
func TestConvolution(t *testing.T) {
	m, d := open(t, Options{})
	s := get[gpu.Stream](t)(d.NewStream())
	p := get[gpu.Pointer](t)(d.Allocate(4096))
	x, w, y := p, p.Add(1024), p.Add(2048)
	copy(view[float32](x, 9), []float32{1, 2, 3, 4, 5, 6, 7, 8, 9})
	copy(view[float32](w, 4), []float32{1, 10, 100, 1000})
	c := gpu.Convolution{N: 1, C: 1, H: 3, W: 3, K: 1, Size: 2, Stride: 1, Groups: 1, XChannels: 1, YChannels: 1}
	run := func(direction gpu.Direction) {
		t.Helper()
		c.Direction = direction
		for _, plan := range get[[]gpu.ConvolutionPlan](t)(d.Convolutions(c, 0, true)) {
			must(t, plan.Run(s, x, w, 0, y, 0), s.Synchronize(), plan.Close())
		}
	}
	equal := func(what string, got []float32, want ...float32) {
		t.Helper()
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("%s: %v, want %v", what, got, want)
				return
			}
		}
	}
	run(gpu.Forward)
	equal("Y", view[float32](y, 4), 5421, 6532, 8754, 9865)
	copy(view[float32](y, 4), []float32{1, 0, 0, 2})
	run(gpu.BackwardData)
	equal("DX", view[float32](x, 9), 1, 10, 0, 100, 1002, 20, 0, 200, 2000)
	copy(view[float32](x, 9), []float32{1, 2, 3, 4, 5, 6, 7, 8, 9})
	run(gpu.BackwardWeights)
	equal("DW", view[float32](w, 4), 11, 14, 20, 23)
	must(t, s.Close(), d.Free(p), m.Check())
}
