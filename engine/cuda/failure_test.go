package cuda_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"alexnet/engine"
	"alexnet/engine/cuda"
	"alexnet/engine/cuda/internal/emulator"
	"alexnet/engine/cuda/internal/gpu"
)

// smallNet has a layer of every kind that two contexts exchange.
func smallNet() *engine.Net {
	win := func(size, stride, pad int) engine.Window { return engine.Window{Size: size, Stride: stride, Pad: pad} }
	return &engine.Net{Name: "small", Input: engine.InputSpec{Size: 16}, Towers: 2, Classes: 3, Layers: []engine.Layer{
		{Name: "conv1", Conv: &engine.ConvSpec{Maps: 16, Window: win(5, 2, 2)}},
		{Activate: "relu"},
		{LRN: &engine.Response{Size: 5, K: 2, Alpha: 1e-4, Beta: 0.75}},
		{MaxPool: &engine.MaxPoolSpec{Window: win(3, 2, 0)}},
		{Name: "conv2", Conv: &engine.ConvSpec{Maps: 16, Window: win(3, 1, 1)}},
		{Activate: "relu"},
		{Name: "fc", Dense: &engine.DenseSpec{Units: 8}},
		{Activate: "relu"},
		{Dropout: &engine.DropoutSpec{Rate: 0.5}},
		{Name: "out", Dense: &engine.DenseSpec{}},
	}}
}

// smallRun opens contexts, makes a model of the small net, trains some steps,
// reads a weight, and closes everything, whatever happens in between. It returns
// the steps that were finished.
func smallRun(m *emulator.Machine, o cuda.Options, steps int, devices []int, each func(step int)) (finished int, err error) {
	contexts, err := tryOpen(m, o, devices...)
	if err != nil {
		return 0, err
	}
	defer func() {
		for _, c := range contexts {
			err = errors.Join(err, c.Close())
		}
	}()
	model, err := engine.NewModel(smallNet(), contexts, engine.ModelConfig{Batch: 2})
	if err != nil {
		return 0, err
	}
	if err := model.Initialize(engine.InitHe, 1); err != nil {
		return 0, err
	}
	for i := range steps {
		if each != nil {
			each(i)
		}
		if err := model.Start(pictures(model, uint64(i)), engine.Step{Number: uint64(i), LearningRate: 0.01, Momentum: 0.9}); err != nil {
			return finished, err
		}
		if i > 0 {
			if _, err := model.Finish(); err != nil {
				return finished, err
			}
			finished++
		}
	}
	if _, err := model.Finish(); err != nil {
		return finished, err
	}
	_, err = model.Read(engine.Weight, "conv1.weight")
	return finished + 1, err
}

// inTime fails the test when f hangs.
func inTime(t *testing.T, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() { defer close(done); f() }()
	select {
	case <-done:
	case <-time.After(time.Minute):
		panic("hung for a minute") // with all goroutines' stacks
	}
}

// frees reports whether a call frees something. If such a call failed, the device would
// keep it, so they never fail here.
func frees(call string) bool {
	for _, s := range []string{"Free", "Destroy", "Unload", "Release"} {
		if strings.Contains(call, s) {
			return true
		}
	}
	return false
}

// notes collects the notes of contexts.
type notes struct {
	mu    sync.Mutex
	lines []string
}

func (n *notes) add(line string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.lines = append(n.lines, line)
}

// with returns the first line that contains text.
func (n *notes) with(text string) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, line := range n.lines {
		if strings.Contains(line, text) {
			return line
		}
	}
	return ""
}

// TestEveryCallMayFail lets each of the calls of a short run fail in turn: the
// run must end with an error that names the call, or go on without what failed (a
// plan, a graph) and name the call in a note; hang nowhere; and give everything back.
func TestEveryCallMayFail(t *testing.T) {
	for _, c := range []struct {
		devices []int
		timed   bool
	}{{[]int{0}, false}, {[]int{0, 0}, false}, {[]int{0, 1}, false}, {[]int{0}, true}} {
		devices := c.devices
		t.Run(fmt.Sprintf("%v timed=%v", devices, c.timed), func(t *testing.T) {
			o := cuda.Options{Precision: cuda.BF16, Deterministic: !c.timed}
			all := &failer{at: -1}
			m := machine(t, emulator.Options{Devices: 2, Fail: all.ask})
			if _, err := smallRun(m, o, 3, devices, nil); err != nil {
				t.Fatal(err)
			}
			calls := all.count
			stride := max(1, calls/60)
			if testing.Short() {
				stride = max(1, calls/15)
			}
			refused, noted := 0, 0
			for at := 0; at < calls; at += stride {
				inTime(t, func() {
					f := &failer{at: at}
					m := machine(t, emulator.Options{Devices: 2, Fail: f.ask})
					told, o := new(notes), o
					o.Note = told.add
					_, err := smallRun(m, o, 3, devices, nil)
					name := f.failed()
					switch {
					case name == "": // fewer calls than in the first run
					case err == nil && told.with("refused by the test: "+name) != "":
						noted++
					case err == nil:
						t.Errorf("call %d (%s) failed and nobody said so", at, name)
					case !strings.Contains(err.Error(), "refused by the test: "+name):
						t.Errorf("call %d (%s): the error doesn't name it: %v", at, name, err)
					default:
						refused++
					}
					if err := m.Check(); err != nil {
						t.Errorf("call %d (%s): %v", at, name, err)
					}
				})
			}
			t.Logf("%d of some %d calls refused, %d made do without", refused, calls, noted)
		})
	}
}

// TestSparePlan: an engine that fails when it first runs gives way to the library's
// next one, and training goes on with the numbers of one that never failed.
func TestSparePlan(t *testing.T) {
	var log []string
	for _, call := range []string{"cudnnBackendExecute", "cublasLtMatmul"} {
		var f firstFails
		f.call = call
		told := new(notes)
		m := machine(t, emulator.Options{Fail: f.ask})
		got := train(t, "small", 4, 3, open(t, m, cuda.Options{Deterministic: true, Note: told.add}, 0))
		want := train(t, "small", 4, 3, open(t, machine(t, emulator.Options{}), cuda.Options{Deterministic: true}, 0))
		line := told.with("takes its place")
		if !strings.Contains(line, "refused by the test: "+call) || !strings.HasPrefix(line, "cuda:0: ") {
			t.Errorf("%s: notes %q", call, told.lines)
		}
		if !slices.Equal(got.loss, want.loss) {
			t.Errorf("%s: losses %v with the spare plan, %v without", call, got.loss, want.loss)
		}
		log = append(log, line)
	}
	t.Log(strings.Join(log, "\n"))
}

// TestWithoutGraph: steps that can't be captured, or whose graph isn't taken, run one
// by one, with one note a segment.
func TestWithoutGraph(t *testing.T) {
	want := train(t, "small", 4, 4, open(t, machine(t, emulator.Options{}), cuda.Options{Deterministic: true}, 0))
	for _, call := range []string{"cuStreamBeginCapture", "cuStreamEndCapture", "cuGraphLaunch"} {
		told := new(notes)
		m := machine(t, emulator.Options{Fail: func(name string, count int) error {
			if name == call {
				return errors.New("refused by the test: " + name)
			}
			return nil
		}})
		got := train(t, "small", 4, 4, open(t, m, cuda.Options{Deterministic: true, Note: told.add}, 0))
		if !slices.Equal(got.loss, want.loss) {
			t.Errorf("%s: losses %v one by one, %v from graphs", call, got.loss, want.loss)
		}
		if n := len(told.lines); n == 0 || n != m.Count(call) || told.with("not as a graph: ") == "" {
			t.Errorf("%s: called %d times, notes %q", call, m.Count(call), told.lines)
		}
	}
}

// firstFails refuses a call the first time that it is made.
type firstFails struct {
	call string
	done atomic.Bool
}

func (f *firstFails) ask(call string, _ int) error {
	if call == f.call && !f.done.Swap(true) {
		return errors.New("refused by the test: " + call)
	}
	return nil
}

// TestLostDevice takes a GPU away in the middle of training.
func TestLostDevice(t *testing.T) {
	for _, devices := range placements {
		t.Run(fmt.Sprint(devices), func(t *testing.T) {
			inTime(t, func() {
				m := machine(t, emulator.Options{Devices: 2})
				last := devices[len(devices)-1]
				finished, err := smallRun(m, cuda.Options{}, 8, devices, func(step int) {
					if step == 4 {
						m.Device(last).Lose()
					}
				})
				if !errors.Is(err, gpu.ErrLost) {
					t.Fatalf("error %v, want one that is gpu.ErrLost", err)
				}
				for _, word := range []string{fmt.Sprintf("cuda:%d", last), "the GPU is lost", "cuStreamSynchronize: unspecified launch failure (emulated) (719)"} {
					if !strings.Contains(err.Error(), word) {
						t.Errorf("the error doesn't say %q: %v", word, err)
					}
				}
				if finished < 2 || finished > 4 {
					t.Errorf("%d steps finished, the GPU was lost in the fifth", finished)
				}
			})
		})
	}
}

// TestFailureStays checks that every call after a failure returns it at once.
func TestFailureStays(t *testing.T) {
	m := machine(t, emulator.Options{})
	c := open(t, m, cuda.Options{}, 0)[0]
	w := &engine.Tensor{Name: "w", Type: engine.Working, Life: engine.Persistent, Shape: engine.Shape{4, 1, 1, 1}, Context: c}
	ops := []engine.Op{engine.Activate{X: w, Y: w}}
	if err := c.Reserve(256, c.Workspace(ops)); err != nil {
		t.Fatal(err)
	}
	p, err := c.Compile(ops)
	if err != nil {
		t.Fatal(err)
	}
	good := c.Mark()
	if err := good.Wait(); err != nil {
		t.Fatal(err)
	}
	m.Device(0).Lose()
	if err := p.Run(engine.Step{}); err != nil {
		t.Fatal(err) // it only enqueues
	}
	if err := c.Sync(); !errors.Is(err, gpu.ErrLost) {
		t.Fatalf("sync: %v", err)
	}
	if err := good.Wait(); err != nil {
		t.Errorf("a mark from before the failure: %v", err)
	}
	_, host := c.(engine.PinnedMemory).AllocateHost(16)
	_, compile := c.Compile(ops)
	for what, err := range map[string]error{
		"run": p.Run(engine.Step{}), "sync": c.Sync(), "mark": c.Mark().Wait(), "compile": compile, "host memory": host,
		"upload": c.Upload(w, make([]float32, 4)), "download": c.Download(make([]float32, 4), w),
	} {
		if !errors.Is(err, gpu.ErrLost) {
			t.Errorf("%s after the loss: %v", what, err)
		}
	}
	inTime(t, func() { _ = c.Close() })
	if err := c.Close(); err != nil {
		t.Errorf("second close: %v", err)
	}
}

// TestTooLarge refuses a net that doesn't fit before any memory is taken, and
// names a batch and a number of pieces that fit: they do, and one image more, one
// piece less doesn't. Timed plans may take more or less than was estimated.
func TestTooLarge(t *testing.T) {
	const memory, batch = 32 << 20, 128
	net, err := engine.Preset("alexnet-mini", 10)
	if err != nil {
		t.Fatal(err)
	}
	for _, devices := range [][]int{{0}, {0, 0}} {
		m := machine(t, emulator.Options{Memory: memory})
		try := func(cfg engine.ModelConfig) (*engine.TooLargeError, error) {
			c := open(t, m, cuda.Options{Deterministic: true}, devices...)
			defer func() {
				for _, c := range c {
					if err := c.Close(); err != nil {
						t.Error(err)
					}
				}
			}()
			before := m.Count("cuMemAlloc")
			_, err := engine.NewModel(net, c, cfg)
			var large *engine.TooLargeError
			if errors.As(err, &large) && m.Count("cuMemAlloc") != before {
				t.Errorf("%d allocations before the refusal", m.Count("cuMemAlloc")-before)
			}
			return large, err
		}
		large, err := try(engine.ModelConfig{Batch: batch})
		if large == nil {
			t.Fatalf("%v: error %v, want an engine.TooLargeError", devices, err)
		}
		t.Log(err)
		for _, word := range []string{"cuda:0", `net "alexnet-mini" at batch 128 takes`, "of 34 MB on Emulated GPU 34 are free", fmt.Sprintf("batch %d fits", large.Fits), fmt.Sprintf("accumulate %d fits", large.Pieces), "precision bf16 takes less"} {
			if !strings.Contains(err.Error(), word) {
				t.Errorf("the error doesn't say %q: %v", word, err)
			}
		}
		if strings.Count(err.Error(), "cuda:0") != len(devices) {
			t.Errorf("the error doesn't name each context once: %v", err)
		}
		for _, c := range []struct {
			what string
			cfg  engine.ModelConfig
			fits bool
		}{
			{"the batch that fits", engine.ModelConfig{Batch: large.Fits}, true},
			{"an image more", engine.ModelConfig{Batch: large.Fits + 1}, false},
			{"the pieces that fit", engine.ModelConfig{Batch: batch, Accumulate: large.Pieces}, true},
			{"half as many pieces", engine.ModelConfig{Batch: batch, Accumulate: large.Pieces / 2}, false},
		} {
			if large, err := try(c.cfg); (err == nil) != c.fits || !c.fits && large == nil {
				t.Errorf("%v, %s (%+v): %v", devices, c.what, c.cfg, err)
			}
		}
	}
}

// TestNothingFits says so when not even one image does.
func TestNothingFits(t *testing.T) {
	m := machine(t, emulator.Options{Memory: 9 << 20})
	c := open(t, m, cuda.Options{Precision: cuda.BF16, Deterministic: true}, 0)
	defer c[0].Close()
	net, err := engine.Preset("alexnet-mini", 10)
	if err != nil {
		t.Fatal(err)
	}
	_, err = engine.NewModel(net, c, engine.ModelConfig{Batch: 4})
	if err == nil || !strings.HasSuffix(err.Error(), "of 9 MB on Emulated GPU 9 are free: no batch fits") {
		t.Errorf("error %v", err)
	}
}

// TestReserveTooLarge: memory that another process took after the plan was made.
func TestReserveTooLarge(t *testing.T) {
	m := machine(t, emulator.Options{Memory: 32 << 20})
	c := open(t, m, cuda.Options{}, 0)[0]
	defer c.Close()
	const want = "cuda:0: reserve: 74 MB are needed (67 for tensors, 7 for work and staging), 34 MB are free on Emulated GPU: choose a smaller \"batch\": out of device memory"
	if err := c.Reserve(64<<20, 7<<20); !errors.Is(err, gpu.ErrOutOfMemory) || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}
