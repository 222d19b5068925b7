package nvidia

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unsafe"

	"alexnet/engine/cuda/internal/gpu"
)

// inRanks runs f for every rank on a thread of its own, bound to a fake device;
// the fake driver has two, so that ranks beyond share them.
func inRanks(t *testing.T, f *fakes, ranks int, do func(rank int, d gpu.Device, id []byte) error) {
	t.Helper()
	errs := make([]error, ranks)
	devices := make([]gpu.Device, ranks)
	for r := range devices {
		devices[r] = f.open(t, r%2)
	}
	id := must[[]byte](t)(devices[0].CommunicatorID())
	var all sync.WaitGroup
	for r, d := range devices {
		all.Go(func() {
			runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
			if errs[r] = d.Bind(); errs[r] == nil {
				errs[r] = do(r, d, id)
			}
		})
	}
	all.Wait()
	ok(t, errs...)
}

// rankMemory is a stream and some floats in device memory.
func rankMemory(d gpu.Device, floats int) (s gpu.Stream, p gpu.Pointer, view []float32, free func() error, err error) {
	if s, err = d.NewStream(); err != nil {
		return
	}
	if p, err = d.Allocate(int64(4 * floats)); err != nil {
		return
	}
	view = unsafe.Slice((*float32)(pointer(uintptr(p))), floats)
	return s, p, view, func() error { return errors.Join(d.Free(p), s.Close()) }, nil
}

// arrays are arrays of float32, one behind the other.
func arrays(at gpu.Pointer, counts ...int64) (all []gpu.Array) {
	for _, n := range counts {
		all = append(all, gpu.Array{At: at, Count: n})
		at = at.Add(4 * n)
	}
	return all
}

// TestCommunicator makes every call, and looks at what NCCL was told.
func TestCommunicator(t *testing.T) {
	locked(t)
	f := useFakes(t)
	f.log()
	const ranks = 3
	inRanks(t, f, ranks, func(rank int, d gpu.Device, id []byte) error {
		s, p, x, free, err := rankMemory(d, 64)
		if err != nil {
			return err
		}
		c, err := d.Join(id, rank, ranks, time.Minute)
		if err != nil {
			return err
		}
		for i := range 6 {
			x[i] = float32(10*rank + i)
		}
		*(*uint32)(unsafe.Pointer(&x[8])) = uint32(rank)
		*(*uint32)(unsafe.Pointer(&x[9])) = 0x3f804000 // 2 and 1 in bfloat16
		err = errors.Join(c.AllGather(s, p.Add(64), p, 2, gpu.Float32), c.AllToAll(s, p.Add(128), p, 2, gpu.Float32),
			c.AllReduce(s, arrays(p, 4, 2), gpu.Float32), c.AllReduceFlag(s, p.Add(32)),
			c.AllReduce(s, arrays(p.Add(36), 2), gpu.BFloat16), c.Failure())
		if err != nil {
			return err
		}
		got := fmt.Sprint(x[:6], *(*uint32)(unsafe.Pointer(&x[8])), x[16:22], x[32:38], fmt.Sprintf(" %#x", *(*uint32)(unsafe.Pointer(&x[9]))))
		r := float32(2 * rank)
		if want := fmt.Sprint([]float32{30, 33, 36, 39, 42, 45}, 2, []float32{0, 1, 10, 11, 20, 21},
			[]float32{r, r + 1, 10 + r, 11 + r, 20 + r, 21 + r}, " 0x404040c0"); got != want {
			return fmt.Errorf("rank %d has %s, want %s", rank, got, want)
		}
		return errors.Join(c.Close(), c.Close(), free())
	})
	told := map[string]int{}
	for _, line := range f.log() {
		if strings.HasPrefix(line, "nccl") {
			before, _, _ := strings.Cut(line, " rank")
			told[before]++
		}
	}
	for call, n := range map[string]int{
		"ncclAllReduce sum 4 of type 7": 3, "ncclAllReduce sum 2 of type 7": 3, "ncclAllReduce sum 2 of type 9": 3, "ncclAllReduce max 1 of type 3": 3,
		"ncclAllGather 2 of type 7": 3, "ncclSend 2 of type 7": 9, "ncclRecv 2 of type 7": 9, "ncclCommDestroy": 3,
	} {
		if told[call] != n {
			t.Errorf("%s was called %d times, want %d: %v", call, told[call], n, told)
		}
	}
}

// TestRankStaysAway: joining and exchanging end with ErrStalled when another rank
// doesn't come.
func TestRankStaysAway(t *testing.T) {
	locked(t)
	f := useFakes(t)
	d := f.open(t, 0)
	id := must[[]byte](t)(d.CommunicatorID())
	_, err := d.Join(id, 0, 2, 50*time.Millisecond)
	if !errors.Is(err, gpu.ErrStalled) || !strings.Contains(err.Error(), "not all of 2 ranks came within 50ms") {
		t.Errorf("joined alone: %v", err)
	}
	for _, c := range []struct {
		what string
		end  func(gpu.Communicator) error
		want string
	}{
		{"aborted", gpu.Communicator.Abort, "has been aborted"},
		{"disconnected", func(gpu.Communicator) error { call(f.ncclFail, ncclRemoteError); return nil }, "remote process exited"},
	} {
		t.Run(c.what, func(t *testing.T) {
			inRanks(t, f, 2, func(rank int, d gpu.Device, id []byte) error {
				s, p, _, free, err := rankMemory(d, 4)
				if err != nil {
					return err
				}
				by, err := d.Join(id, rank, 2, time.Minute)
				if err != nil || rank == 1 {
					return errors.Join(err, by.Abort(), free())
				}
				ended := make(chan error)
				go func() {
					time.Sleep(20 * time.Millisecond)
					ended <- c.end(by)
				}()
				err = by.AllReduce(s, arrays(p, 4), gpu.Float32)
				if !errors.Is(err, gpu.ErrStalled) || !strings.Contains(err.Error(), c.want) {
					t.Errorf("a sum without rank 1: %v", err)
				}
				if err := by.Failure(); !errors.Is(err, gpu.ErrStalled) {
					t.Errorf("failure %v", err)
				}
				return errors.Join(<-ended, by.Abort(), by.Abort(), by.Close(), free())
			})
			call(f.ncclReset)
		})
	}
}

// TestCloseAlone: a rank that has done its work and leaves long before the others,
// which may still write, has not failed.
func TestCloseAlone(t *testing.T) {
	locked(t)
	f := useFakes(t)
	f.log()
	var joined sync.WaitGroup
	joined.Add(2)
	inRanks(t, f, 2, func(rank int, d gpu.Device, id []byte) error {
		by, err := d.Join(id, rank, 2, time.Minute)
		joined.Done()
		if err != nil {
			return err
		}
		if joined.Wait(); rank == 1 {
			return by.Abort()
		}
		call(f.ncclFail, ncclRemoteError) // what comes of waiting for rank 1
		return by.Close()
	})
	call(f.ncclReset)
	if told := strings.Join(f.log(), "\n"); strings.Count(told, "ncclCommAbort") != 2 {
		t.Errorf("want both communicators aborted:\n%s", told)
	}
}

// TestCallsDiffer: NCCL's refusal is passed on, in its words.
func TestCallsDiffer(t *testing.T) {
	locked(t)
	f := useFakes(t)
	var refused [2]error
	inRanks(t, f, 2, func(rank int, d gpu.Device, id []byte) error {
		s, p, _, free, err := rankMemory(d, 4)
		if err != nil {
			return err
		}
		by, err := d.Join(id, rank, 2, time.Minute)
		if err != nil {
			return err
		}
		refused[rank] = by.AllReduce(s, arrays(p, int64(3+rank)), gpu.Float32)
		return errors.Join(by.Abort(), free())
	})
	for rank, err := range refused {
		var e *gpu.CallError
		if !errors.As(err, &e) || e.Call != "ncclAllReduce" || e.Code != 5 || e.Text != "invalid usage (the ranks' calls differ)" {
			t.Errorf("rank %d: %v", rank, err)
		}
	}
}

func TestEventPassed(t *testing.T) {
	locked(t)
	f := useFakes(t)
	d := f.open(t, 0)
	e := must[gpu.Event](t)(d.NewEvent(false))
	for _, code := range []int{codeNotReady, 0} {
		if code != 0 {
			f.failNext("cuEventQuery", code, 0)
		}
		if passed, err := e.Passed(); passed != (code == 0) || err != nil {
			t.Errorf("after result %d: passed is %v, %v", code, passed, err)
		}
	}
	f.failNext("cuEventQuery", 700, 0)
	if passed, err := e.Passed(); passed || !errors.Is(err, gpu.ErrLost) {
		t.Errorf("of a lost device: passed is %v, %v", passed, err)
	}
	f.start(13000, 90, 1<<30, true)
	ok(t, e.Close())
}

// TestMissingNCCL: it isn't needed to open a device, only to join.
func TestMissingNCCL(t *testing.T) {
	locked(t)
	f := useFakes(t)
	all := map[string]string{"libcuda.so.1": "libcuda.so.1", "libcublasLt.so.13": "libcublasLt.so.13", "libcudnn.so.9": "libcudnn.so.9"}
	for name, c := range map[string]struct {
		library string
		version int32
		want    string
	}{
		"none":       {"", 22803, "NCCL 2: not in the linker's folders"},
		"another":    {"libcudnn.so.9", 22803, "NCCL 2: FOLDER/libnccl.so.2 lacks ncclGetVersion"},
		"an old one": {"libnccl.so.2", 21705, "NCCL 2: FOLDER/libnccl.so.2 is NCCL 2.17.5, want 2.18.0 or newer"},
	} {
		t.Run(name, func(t *testing.T) {
			delete(all, "libnccl.so.2")
			if c.library != "" {
				all["libnccl.so.2"] = c.library
			}
			version := f.ncclVersion(t)
			defer func(v int32) { *version = v }(*version)
			*version = c.version
			folder := link(t, f, all)
			l, missing := loadFrom(in(folder))
			if len(missing) > 0 {
				t.Fatal(missing)
			}
			d := must[*device](t)(l.openDevice(0))
			defer func() { ok(t, d.Close()) }()
			_, err := d.CommunicatorID()
			_, join := d.Join(make([]byte, uniqueIDBytes), 0, 1, time.Second)
			for _, err := range []error{err, join} {
				var m *Missing
				if want := strings.ReplaceAll(c.want, "FOLDER", folder); !errors.As(err, &m) || !strings.Contains(err.Error(), want) ||
					!slices.Equal(m.Install, []string{"pip install nvidia-nccl-cu13", "apt-get install libnccl2 (NVIDIA's repository)"}) {
					t.Errorf("missing %v", err)
				}
			}
		})
	}
}

// ncclVersion is the fake's version.
func (f *fakes) ncclVersion(t *testing.T) *int32 {
	t.Helper()
	handle := must[uintptr](t)(dlopen(filepath.Join(f.folder, "libnccl.so.2")))
	return (*int32)(pointer(must[uintptr](t)(dlsym(handle, "fake_nccl_version"))))
}

// TestRealNCCL asks the real library what it says without a GPU. It takes no
// signals, which Go would mind.
func TestRealNCCL(t *testing.T) {
	l := needWheels(t)
	before := signals(t)
	if m := l.loadNCCL(); m != nil {
		if os.Getenv("ALEXNET_NEED_CUDA_LIBS") != "" {
			t.Fatal(m)
		}
		t.Skip(m)
	}
	a := &l.nccl.api
	t.Logf("NCCL %s at %s", l.nccl.found.Version, l.nccl.found.Path)
	for _, f := range a.functions() {
		if *f.address == 0 {
			t.Errorf("NCCL lacks %s", f.name)
		}
	}
	for code, want := range map[int32]string{ncclCUDAError: "unhandled cuda error", ncclRemoteError: "remote process exited"} {
		if err := a.check("x", code); err == nil || !strings.Contains(err.Error(), want) || errors.Is(err, gpu.ErrStalled) != (code == ncclRemoteError) {
			t.Errorf("result %d: %v, want %s", code, err, want)
		}
	}
	d := &device{lib: l}
	id := must[[]byte](t)(d.CommunicatorID())
	if len(id) != uniqueIDBytes || bytes.Count(id, []byte{0}) == len(id) {
		t.Errorf("the identity is %x", id)
	}
	by, err := d.Join(id, 0, 1, time.Minute)
	if err == nil { // a GPU is here
		ok(t, by.Close())
	} else if text := err.Error(); !strings.Contains(text, "ncclCommInitRankConfig: unhandled cuda error") {
		t.Errorf("joining: %v", err)
	}
	t.Log(err)
	if after := signals(t); after != before {
		t.Errorf("signals caught: %s, before NCCL %s", after, before)
	}
}

// signals are those that this process catches.
func signals(t *testing.T) string {
	t.Helper()
	for line := range strings.Lines(string(must[[]byte](t)(os.ReadFile("/proc/self/status")))) {
		if mask, found := strings.CutPrefix(line, "SigCgt:"); found {
			return strings.TrimSpace(mask)
		}
	}
	t.Fatal("no SigCgt")
	return ""
}
