package cuda_test

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"alexnet/engine"
	"alexnet/engine/cuda"
	"alexnet/engine/cuda/internal/emulator"
	"alexnet/engine/cuda/internal/gpu"
)

// occupy takes memory of a device, as another process does, until the returned
// function is called.
func occupy(t *testing.T, d gpu.Device, bytes int64) (free func()) {
	t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := d.Bind(); err != nil {
		t.Fatal(err)
	}
	p, err := d.Allocate(bytes)
	if err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := d.Free(p); err != nil {
			t.Error(err)
		}
	}
}

// TestTwoProcesses trains twice at the same time on one GPU, with nothing shared
// but the GPU, on streams that take their time: both runs are the one that has it
// to itself.
func TestTwoProcesses(t *testing.T) {
	const batch, steps = 4, 5
	o := cuda.Options{Precision: cuda.BF16, Deterministic: true}
	want := train(t, "small", batch, steps, open(t, machine(t, emulator.Options{}), o, 0))
	m := machine(t, emulator.Options{Delay: time.Millisecond})
	var both [2]trained
	var work sync.WaitGroup
	for i := range both {
		contexts := open(t, m, o, 0)
		work.Go(func() { both[i] = train(t, "small", batch, steps, contexts) })
	}
	work.Wait()
	for i, got := range both {
		if !slices.Equal(got.loss, want.loss) || !slices.Equal(got.probs, want.probs) {
			t.Errorf("process %d: losses %v, want %v", i, got.loss, want.loss)
		}
	}
}

// TestOtherProcessHasTheMemory: what is left decides, and the refusal says how much
// of the GPU that is. When it is given back, the net fits.
func TestOtherProcessHasTheMemory(t *testing.T) {
	m := machine(t, emulator.Options{Memory: 32 << 20})
	free := occupy(t, m.Device(0), 26<<20)
	c := open(t, m, cuda.Options{Precision: cuda.BF16, Deterministic: true}, 0)
	_, err := engine.NewModel(smallNet(), c, engine.ModelConfig{Batch: 1024})
	const want = `net "small" at batch 1024 takes 14 MB of memory on cuda:0, of 34 MB on Emulated GPU 6 are free: batch 210 fits, accumulate 8 fits`
	if err == nil || err.Error() != want {
		t.Errorf("error %v\nwant  %s", err, want)
	}
	if err := c[0].Close(); err != nil {
		t.Error(err)
	}
	free()
	c = open(t, m, cuda.Options{Precision: cuda.BF16, Deterministic: true}, 0)
	model, err := engine.NewModel(smallNet(), c, engine.ModelConfig{Batch: 1024})
	if err != nil {
		t.Fatal(err)
	}
	if err := model.Close(); err != nil {
		t.Error(err)
	}
}

// TestOutOfMemory lets allocations fail though there seemed to be room, as they do
// when another process is faster: the message names the device once, the call and
// the driver's words.
func TestOutOfMemory(t *testing.T) {
	for _, c := range []struct{ call, want string }{
		{"cuMemAlloc", `net "small": cuda:0: reserve: 4 MB are needed (0 for tensors, 4 for work and staging), 4295 MB are free on Emulated GPU: choose a smaller "batch": cuMemAlloc: CUDA_ERROR_OUT_OF_MEMORY: out of memory (2)`},
		{"cuMemHostAlloc", `net "small": cuda:0: reserve: 4194304 bytes of page-locked host memory for copies: cuMemHostAlloc: CUDA_ERROR_OUT_OF_MEMORY: out of memory (2)`},
	} {
		var armed atomic.Bool // the context's goroutines call too
		m := machine(t, emulator.Options{Fail: func(call string, _ int) error {
			if armed.Load() && call == c.call {
				return &gpu.CallError{Call: call, Code: 2, Text: "CUDA_ERROR_OUT_OF_MEMORY: out of memory", Kind: gpu.ErrOutOfMemory}
			}
			return nil
		}})
		contexts := open(t, m, cuda.Options{Deterministic: true}, 0)
		armed.Store(true)
		_, err := engine.NewModel(smallNet(), contexts, engine.ModelConfig{Batch: 2})
		if !errors.Is(err, gpu.ErrOutOfMemory) || err.Error() != c.want {
			t.Errorf("error %v\nwant  %s", err, c.want)
		}
		if err := contexts[0].Close(); err != nil {
			t.Error(err)
		}
	}
	// The batches' memory: training can't begin, and what was opened is given back.
	m := machine(t, emulator.Options{Fail: func(call string, count int) error {
		if call == "cuMemHostAlloc" && count == 2 {
			return &gpu.CallError{Call: call, Code: 2, Text: "CUDA_ERROR_OUT_OF_MEMORY: out of memory", Kind: gpu.ErrOutOfMemory}
		}
		return nil
	}})
	model := newModel(t, "small", 2, open(t, m, cuda.Options{}, 0))
	defer model.Close()
	const want = "cuda:0: 1000 bytes of page-locked host memory: cuMemHostAlloc: CUDA_ERROR_OUT_OF_MEMORY: out of memory (2)"
	if _, err := model.AllocateHost(1000); err == nil || fmt.Sprint(err) != want {
		t.Errorf("error %v\nwant  %s", err, want)
	}
}
