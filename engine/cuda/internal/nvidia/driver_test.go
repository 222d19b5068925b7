package nvidia

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
	"unsafe"

	"alexnet/engine/cuda/internal/gpu"
)

const fillPTX = ".version 8.0\n.target sm_80\n.visible .entry fill_f32(...)\n.visible .entry nothing(...)\n"

// fillParams are the parameters of fill_f32 as C lays them out.
type fillParams struct {
	to    gpu.Pointer
	n     int32
	value float32
}

func (p *fillParams) bytes() []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(p)), unsafe.Sizeof(*p))
}

func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func ok(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

func locked(t *testing.T) {
	runtime.LockOSThread()
	t.Cleanup(runtime.UnlockOSThread)
}

func TestDescribe(t *testing.T) {
	f := useFakes(t)
	d := must[gpu.Description](t)(f.describe(1))
	if d.Index != 1 || d.Name != "Fake 1" || d.Memory != 1<<30 || d.Major != 9 || d.Minor != 0 || d.Processors != 5 ||
		d.Driver != "13.0" || !slices.Equal(d.PeerCapable, []int{0}) || len(d.Libraries) != 3 {
		t.Errorf("described as %+v", d)
	}
	for i, want := range []struct{ name, version string }{{"driver", "13.0"}, {"cuBLASLt", "13.4.1"}, {"cuDNN", "9.26.0"}} {
		l := d.Libraries[i]
		if l.Name != want.name || !strings.HasPrefix(l.Version, want.version) || !strings.HasPrefix(l.Path, f.folder) {
			t.Errorf("library %+v, want %v under %s", l, want, f.folder)
		}
	}
}

// TestStreams drives every call of a stream and looks at what the driver was
// told and at the memory it worked on.
func TestStreams(t *testing.T) {
	locked(t)
	f := useFakes(t)
	d := f.open(t, 0)
	free, total, err := d.Memory()
	ok(t, err)
	if free != 1<<30 || total != 1<<30 {
		t.Errorf("memory %d of %d", free, total)
	}
	a, b := must[gpu.Pointer](t)(d.Allocate(64)), must[gpu.Pointer](t)(d.Allocate(64))
	host := must[[]byte](t)(d.AllocateHost(64))
	s := must[gpu.Stream](t)(d.NewStream())
	m := must[gpu.Module](t)(d.Load([]byte(fillPTX)))
	k := must[gpu.Kernel](t)(m.Kernel("fill_f32"))
	e := must[gpu.Event](t)(d.NewEvent(false))
	f.log()

	for i := range host {
		host[i] = byte(i)
	}
	p := fillParams{b.Add(16), 4, 1.5}
	launch := gpu.Launch{Grid: [3]uint32{1, 2, 3}, Block: [3]uint32{4, 5, 6}, Shared: 50000}
	ok(t, s.CopyIn(a, host[:40]), s.Copy(b, a, 64), s.Fill(a.Add(8), 7, 3), s.Launch(k, launch, p.bytes()),
		s.Record(e), s.Wait(e), s.CopyOut(host, b), s.Synchronize(), e.Synchronize())
	want := []string{
		"cuMemcpyHtoDAsync 40 stream 1",
		"cuMemcpyDtoDAsync 64 stream 1",
		"cuMemsetD8Async 7 3 stream 1",
		"cuFuncSetAttribute fill_f32 8 50000",
		"cuLaunchKernel fill_f32 grid 1 2 3 block 4 5 6 shared 50000 stream 1 bytes 16",
		"cuEventRecord 2 stream 1",
		"cuStreamWaitEvent stream 1 event 2 flags 0",
		"cuMemcpyDtoHAsync 64 stream 1",
		"cuStreamSynchronize 1",
		"cuEventSynchronize 2",
	}
	if got := f.log(); !slices.Equal(got, want) {
		t.Errorf("called\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	floats := unsafe.Slice((*float32)(unsafe.Pointer(&host[0])), 16)
	if host[0] != 0 || host[9] != 9 || !slices.Equal(floats[4:8], []float32{1.5, 1.5, 1.5, 1.5}) || host[39] != 39 {
		t.Errorf("memory is %v", host)
	}
	ok(t, s.CopyOut(host, a))
	if host[7] != 7 || host[8] != 7 || host[10] != 7 || host[11] != 11 {
		t.Errorf("filled to %v", host[:16])
	}
	ok(t, e.Close(), m.Close(), s.Close(), d.FreeHost(host), d.Free(a), d.Free(b))
	if live := cString(call(f.live)); live != "memory 0 host 0 streams 0 events 0 modules 0 graphs 0 execs 0 contexts 2" {
		t.Error(live)
	}
}

func TestFlags(t *testing.T) {
	locked(t)
	f := useFakes(t)
	d := f.open(t, 0)
	f.log()
	s := must[gpu.Stream](t)(d.NewStream())
	plain, timed, later := must[gpu.Event](t)(d.NewEvent(false)), must[gpu.Event](t)(d.NewEvent(true)), must[gpu.Event](t)(d.NewEvent(true))
	host := must[[]byte](t)(d.AllocateHost(10))
	want := []string{"cuStreamCreate 1 flags 1", "cuEventCreate 2 flags 3", "cuEventCreate 3 flags 0", "cuEventCreate 4 flags 0", "cuMemHostAlloc 10 flags 1"}
	if got := f.log(); !slices.Equal(got, want) {
		t.Errorf("called %q, want %q", got, want)
	}
	ok(t, s.Record(timed), s.Record(later))
	between := must[time.Duration](t)(later.Since(timed))
	if between != 1500*time.Microsecond {
		t.Errorf("events are %v apart", between)
	}
	if _, err := plain.Since(timed); err == nil {
		t.Error("time from an event without")
	}
	ok(t, s.Close(), plain.Close(), timed.Close(), later.Close(), d.FreeHost(host))
}

// TestGraph captures work, which mustn't run then, and replays it twice.
func TestGraph(t *testing.T) {
	locked(t)
	f := useFakes(t)
	d := f.open(t, 0)
	a := must[gpu.Pointer](t)(d.Allocate(16))
	host := must[[]byte](t)(d.AllocateHost(16))
	clear(host) // malloc gives it with what another test left there
	s := must[gpu.Stream](t)(d.NewStream())
	m := must[gpu.Module](t)(d.Load([]byte(fillPTX)))
	k := must[gpu.Kernel](t)(m.Kernel("fill_f32"))
	f.log()
	p := fillParams{a, 4, 2}
	ok(t, s.Capture(), s.Launch(k, gpu.Launch{Grid: [3]uint32{1, 1, 1}, Block: [3]uint32{1, 1, 1}}, p.bytes()))
	p.value = 3 // the graph keeps what it was given
	ok(t, s.CopyOut(host, a))
	if slices.Contains(host, 0x40) && host[3] == 0x40 {
		t.Error("captured work has run")
	}
	if err := s.Synchronize(); err == nil {
		t.Error("waited for a stream that captures")
	}
	g := must[gpu.Graph](t)(s.Captured())
	ok(t, s.Replay(g), s.Replay(g), s.Synchronize())
	if floats := unsafe.Slice((*float32)(unsafe.Pointer(&host[0])), 4); !slices.Equal(floats, []float32{2, 2, 2, 2}) {
		t.Errorf("replayed to %v", floats)
	}
	want := []string{
		"cuStreamBeginCapture 1 mode 1",
		"cuLaunchKernel fill_f32 grid 1 1 1 block 1 1 1 shared 0 stream 1 bytes 16 captured",
		"cuMemcpyDtoHAsync 16 stream 1 captured",
		"cuStreamEndCapture 1",
		"cuGraphInstantiate 2 nodes, flags 0",
		"cuGraphUpload stream 1",
		"cuGraphLaunch 2 nodes stream 1",
		"cuGraphLaunch 2 nodes stream 1",
		"cuStreamSynchronize 1",
	}
	if got := f.log(); !slices.Equal(got, want) {
		t.Errorf("called\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	ok(t, g.Close(), g.Close(), m.Close(), s.Close(), d.Free(a), d.FreeHost(host))
}

func TestTwoDevices(t *testing.T) {
	locked(t)
	for _, peers := range []bool{true, false} {
		t.Run(fmt.Sprintf("peers %v", peers), func(t *testing.T) {
			f := useFakes(t)
			f.start(13000, 90, 1<<30, peers)
			one, two := f.open(t, 0), f.open(t, 1)
			want := []string(nil)
			if peers {
				want = []string{"cuCtxEnablePeerAccess 1 to 0", "cuCtxEnablePeerAccess 0 to 1"}
			}
			if got := f.log(); !slices.Equal(got, want) {
				t.Errorf("peer access %q, want %q", got, want)
			}
			ok(t, one.Bind())
			a := must[gpu.Pointer](t)(one.Allocate(8))
			ok(t, two.Bind())
			b := must[gpu.Pointer](t)(two.Allocate(8))
			s := must[gpu.Stream](t)(two.NewStream())
			same := f.open(t, 1)
			f.log()
			ok(t, s.CopyFrom(b, a, one, 8), s.CopyFrom(b, b, same, 8))
			if got := f.log(); !slices.Equal(got, []string{"cuMemcpyPeerAsync 1 from 0, 8 stream 1", "cuMemcpyDtoDAsync 8 stream 1"}) {
				t.Errorf("copied by %q", got)
			}
			ok(t, s.Close(), two.Free(b), one.Bind(), one.Free(a))
		})
	}
}

// TestFailures lets calls fail and looks at the kind and the words of the
// error, and that nothing is left behind.
func TestFailures(t *testing.T) {
	locked(t)
	f := useFakes(t)
	d := f.open(t, 0)
	s := must[gpu.Stream](t)(d.NewStream())
	a := must[gpu.Pointer](t)(d.Allocate(16))
	var call *gpu.CallError

	_, err := d.Allocate(2 << 30)
	if !errors.Is(err, gpu.ErrOutOfMemory) || !errors.As(err, &call) || call.Code != 2 || err.Error() != "cuMemAlloc: CUDA_ERROR_OUT_OF_MEMORY: out of memory (2)" {
		t.Errorf("too much memory: %v", err)
	}

	f.failNext("cuGraphInstantiateWithFlags", 2, 0)
	ok(t, s.Capture(), s.Fill(a, 0, 16))
	if _, err := s.Captured(); !errors.Is(err, gpu.ErrOutOfMemory) {
		t.Errorf("a graph without memory: %v", err)
	}

	for code, kind := range map[int]error{999: gpu.ErrLost, 222: gpu.ErrUnsupported, 1: nil} {
		f.failNext("cuMemsetD8Async", code, 1)
		ok(t, s.Fill(a, 0, 16))
		err := s.Fill(a, 0, 16)
		for _, k := range []error{gpu.ErrOutOfMemory, gpu.ErrLost, gpu.ErrUnsupported} {
			if errors.Is(err, k) != (k == kind) {
				t.Errorf("code %d: %v is %v", code, err, k)
			}
		}
	}
	ok(t, d.Free(a), s.Close())

	// An engine of cuDNN that can't be launched is no lost device.
	if err := f.checkDNN("cudnnBackendExecute", 5003); err == nil || errors.Is(err, gpu.ErrLost) {
		t.Errorf("an engine that fails: %v", err)
	}

	// A lost device answers every call alike.
	s = must[gpu.Stream](t)(d.NewStream())
	handle := s.(*stream).handle
	f.failNext("cuStreamSynchronize", 700, 0)
	for range 2 {
		if err := s.Synchronize(); !errors.Is(err, gpu.ErrLost) || !strings.Contains(err.Error(), "illegal memory access") {
			t.Errorf("lost device: %v", err)
		}
	}
	if err := f.checkDNN("cudnnBackendExecute", 5003); !errors.Is(err, gpu.ErrLost) {
		t.Errorf("an engine on a lost device: %v", err)
	}
	if err := s.Close(); !errors.Is(err, gpu.ErrLost) {
		t.Errorf("closed on a lost device: %v", err)
	}
	f.start(13000, 90, 1<<30, true)
	s.(*stream).handle = handle // the fake recovers, and wants its stream back
	ok(t, s.Close())
}

func TestWithoutBind(t *testing.T) {
	locked(t)
	f := useFakes(t)
	d := f.open(t, 0)
	ok(t, f.check("cuCtxSetCurrent", call(f.driver.ctxSetCurrent, 0)))
	if _, err := d.Allocate(16); err == nil || !strings.Contains(err.Error(), "CUDA_ERROR_INVALID_CONTEXT") {
		t.Errorf("allocated by a thread without a context: %v", err)
	}
}

func TestModules(t *testing.T) {
	locked(t)
	f := useFakes(t)
	d := f.open(t, 0)
	if _, err := d.Load([]byte("nonsense")); err == nil || !strings.Contains(err.Error(), "CUDA_ERROR_INVALID_PTX: a PTX JIT compilation failed: ptxas fatal: Missing .version") {
		t.Errorf("nonsense: %v", err)
	}
	f.start(12020, 82, 1<<30, true)
	_, err := d.Load([]byte("//\n.version 8.7\n"))
	want := "the kernels are PTX 8.7, which a driver of CUDA 12.8 or newer reads, and this driver runs CUDA 12.2: update the NVIDIA driver"
	if err == nil || !strings.Contains(err.Error(), want) || !errors.Is(err, gpu.ErrUnsupported) {
		t.Errorf("newer PTX: %v", err)
	}
	m := must[gpu.Module](t)(d.Load([]byte(fillPTX)))
	if _, err := m.Kernel("missing"); err == nil || !strings.Contains(err.Error(), "kernel missing: cuModuleGetFunction: CUDA_ERROR_NOT_FOUND") {
		t.Errorf("missing kernel: %v", err)
	}
	k := must[gpu.Kernel](t)(m.Kernel("nothing"))
	s := must[gpu.Stream](t)(d.NewStream())
	f.failNext("cuLaunchKernel", 1, 0)
	err = s.Launch(k, gpu.Launch{Grid: [3]uint32{9, 1, 1}}, nil)
	if err == nil || !strings.Contains(err.Error(), "cuLaunchKernel: nothing, grid [9 1 1], block [0 0 0]: CUDA_ERROR_INVALID_VALUE") {
		t.Errorf("bad launch: %v", err)
	}
	ok(t, s.Close(), m.Close())
}

// TestSharedModule: contexts on one card share a compiled module.
func TestSharedModule(t *testing.T) {
	locked(t)
	f := useFakes(t)
	one, two, other := f.open(t, 0), f.open(t, 0), f.open(t, 1)
	f.log()
	a, b := must[gpu.Module](t)(one.Load([]byte(fillPTX))), must[gpu.Module](t)(two.Load([]byte(fillPTX)))
	c := must[gpu.Module](t)(other.Load([]byte(fillPTX)))
	if n := len(f.log()); n != 2 {
		t.Errorf("compiled %d times for two cards", n)
	}
	ok(t, a.Close(), a.Close())
	must[gpu.Kernel](t)(b.Kernel("fill_f32"))
	ok(t, b.Close(), c.Close())
}

// TestAllocNothing: what a step does over and over leaves no garbage.
func TestAllocNothing(t *testing.T) {
	locked(t)
	f := useFakes(t)
	d := f.open(t, 0)
	a := must[gpu.Pointer](t)(d.Allocate(64))
	host := must[[]byte](t)(d.AllocateHost(64))
	s := must[gpu.Stream](t)(d.NewStream())
	e := must[gpu.Event](t)(d.NewEvent(false))
	m := must[gpu.Module](t)(d.Load([]byte(fillPTX)))
	k := must[gpu.Kernel](t)(m.Kernel("fill_f32"))
	p := &fillParams{a, 4, 2}
	params := p.bytes()
	launch := gpu.Launch{Grid: [3]uint32{1, 1, 1}, Block: [3]uint32{32, 1, 1}}
	n := testing.AllocsPerRun(200, func() {
		ok(t, s.CopyIn(a, host))
		ok(t, s.Launch(k, launch, params))
		ok(t, s.Record(e))
		ok(t, s.Wait(e))
		ok(t, s.Copy(a, a.Add(8), 8))
		ok(t, s.Fill(a, 0, 8))
		ok(t, s.CopyOut(host, a))
		ok(t, s.Synchronize())
	})
	if n != 0 {
		t.Errorf("%v allocations a round", n)
	}
	ok(t, e.Close(), m.Close(), s.Close(), d.FreeHost(host), d.Free(a))
}
