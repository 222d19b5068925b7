package cuda_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"alexnet/engine"
	"alexnet/engine/cuda"
	"alexnet/engine/cuda/internal/emulator"
	"alexnet/engine/enginetest"
)

// TestRankFails: whatever becomes of rank 1, rank 0 fails in time, says at what,
// and gives everything back.
func TestRankFails(t *testing.T) {
	const timeout = 300 * time.Millisecond
	for _, c := range []struct {
		name  string
		rank1 func(m *emulator.Machine, by engine.Group, o cuda.Options, reached <-chan struct{}) error
		want  string // of rank 0
		done  int    // steps that rank 0 has finished before
	}{
		{"never joins", func(_ *emulator.Machine, by engine.Group, _ cuda.Options, _ <-chan struct{}) error {
			return by.Broadcast(make([]byte, 129), 0)
		}, "cuda:0: joining 2 ranks: the ranks have stalled: ncclCommInitRankConfig: not all of 2 ranks came within 300ms", 0},
		{"stays away after two steps", trainsFor(2, func(m *emulator.Machine) { time.Sleep(2 * timeout) }),
			"the ranks have stalled: not all ranks came to the sum of out.weight.grad", 2},
		{"is cut off", trainsFor(2, func(m *emulator.Machine) { m.Disconnect() }),
			"the ranks have stalled: ncclCommGetAsyncError: remote process exited or there was a network error (emulated) (6)", 2},
		{"loses its GPU", trainsFor(2, func(m *emulator.Machine) { m.Device(1).Lose() }),
			"the ranks have stalled: not all ranks came to the sum of out.weight.grad", 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := machine(t, emulator.Options{Devices: 2})
			o := cuda.Options{Deterministic: true, RankTimeout: timeout}
			inTime(t, func() {
				began := time.Now()
				reached := make(chan struct{}) // closed when rank 0 has c.done steps
				onRanks(2, func(by *enginetest.Peer) error {
					if by.Rank() == 1 {
						return c.rank1(m, by, o, reached)
					}
					model, err := rankModel(m, o, engine.ModelConfig{Batch: 2, Group: by}, 0)
					if err == nil {
						for i := range c.done {
							if _, err := model.Train(pictures(model, uint64(i)), engine.Step{Number: uint64(i), LearningRate: 0.001}); err != nil {
								t.Errorf("step %d: %v", i, err)
							}
						}
						close(reached)
						// Pipelined, as training is: the next steps are enqueued behind one that fails.
						var r trained
						r, err = steps(model, 4, 0, 2, 50)
						if len(r.loss) != 0 {
							t.Errorf("%d losses came back without rank 1", len(r.loss))
						}
					}
					if !errors.Is(err, engine.ErrStalled) || !strings.Contains(err.Error(), c.want) {
						t.Errorf("error %v, want one with %q", err, c.want)
					}
					if took := time.Since(began); took > 10*timeout {
						t.Errorf("that took %v", took)
					}
					return nil
				})
			})
		})
	}
}

// trainsFor is a rank 1 that takes some steps, waits until rank 0 has them too,
// does something, and ends.
func trainsFor(n int, then func(*emulator.Machine)) func(*emulator.Machine, engine.Group, cuda.Options, <-chan struct{}) error {
	return func(m *emulator.Machine, by engine.Group, o cuda.Options, reached <-chan struct{}) error {
		model, err := rankModel(m, o, engine.ModelConfig{Batch: 2, Group: by}, 1)
		if err != nil {
			return err
		}
		for i := range uint64(n) {
			if _, err := model.Train(pictures(model, i), engine.Step{Number: i, LearningRate: 0.001}); err != nil {
				return errors.Join(err, model.Close())
			}
		}
		<-reached
		then(m)
		return model.Close()
	}
}

// sum is a context's only program: it adds up g, of four float32.
func sum(t *testing.T, c engine.Context, by engine.Group) (g *engine.Tensor, p engine.Program) {
	t.Helper()
	g = &engine.Tensor{Name: "g", Type: engine.Float32, Life: engine.Persistent, Shape: engine.Shape{4, 1, 1, 1}, Context: c}
	ops := []engine.Op{engine.AllReduce{T: g, By: by}, engine.AwaitAllReduce{}}
	if err := c.Reserve(256, c.Workspace(ops)); err != nil {
		t.Error(err)
	}
	p, err := c.Compile(ops)
	if err != nil {
		t.Error(err)
	}
	return g, p
}

// TestAbortedSum: what ends because the communicator was aborted counts as failed,
// also for a mark that was waited for meanwhile.
func TestAbortedSum(t *testing.T) {
	m := machine(t, emulator.Options{Devices: 2})
	if err := errors.Join(onRanks(2, func(by *enginetest.Peer) error {
		c := open(t, m, cuda.Options{RankTimeout: 200 * time.Millisecond}, by.Rank())[0]
		_, p := sum(t, c, by)
		err := c.(engine.Joiner).Join(by)
		if by.Rank() == 1 {
			time.Sleep(500 * time.Millisecond)
			return errors.Join(err, c.Close())
		}
		if err := errors.Join(err, p.Run(engine.Step{})); err != nil {
			return err
		}
		if err := c.Sync(); !errors.Is(err, engine.ErrStalled) {
			t.Errorf("sync: %v", err)
		}
		return c.Close()
	})...); err != nil {
		t.Error(err)
	}
}

// TestWireRounds: in bfloat16 what is added is rounded, and the sum again; arrays
// that don't fit the room for it travel in pieces.
func TestWireRounds(t *testing.T) {
	const n = 9 << 20 // 16 MiB hold 8 Mi
	m := machine(t, emulator.Options{Devices: 2})
	if err := errors.Join(onRanks(2, func(by *enginetest.Peer) error {
		c := open(t, m, cuda.Options{Wire: cuda.BF16}, by.Rank())[0]
		g := &engine.Tensor{Name: "g", Type: engine.Float32, Life: engine.Persistent, Shape: engine.Shape{n, 1, 1, 1}, Context: c}
		ops := []engine.Op{engine.AllReduce{T: g, By: by}}
		if extra := c.Workspace(ops) - c.Workspace(nil); extra != 16<<20 {
			t.Errorf("the sum takes %d bytes of workspace, want 16 MiB", extra)
		}
		if err := c.Reserve(4*n, c.Workspace(ops)); err != nil {
			return err
		}
		p, err := c.Compile(ops)
		if err != nil {
			return err
		}
		values := make([]float32, n)
		for i := range values {
			values[i] = 1 + float32(i%2)/1024 // 1 + 2⁻¹⁰ is 1 in bfloat16
		}
		values[0], values[n-1] = float32(1+255*by.Rank()), float32(1+2*by.Rank()) // 1 + 256 is 256 in bfloat16; 1 + 3
		err = errors.Join(c.(engine.Joiner).Join(by), c.Upload(g, values), p.Run(engine.Step{}), c.Download(values, g), c.Sync())
		for i, v := range values {
			want := float32(2)
			switch i {
			case 0:
				want = 256
			case n - 1:
				want = 4
			}
			if v != want {
				t.Errorf("rank %d: element %d is %g, want %g", by.Rank(), i, v, want)
				break
			}
		}
		return errors.Join(err, c.Close())
	})...); err != nil {
		t.Error(err)
	}
}

// TestJoinRefused: what a rank can know at once it says at once.
func TestJoinRefused(t *testing.T) {
	t.Run("before the ranks are joined", func(t *testing.T) {
		c := open(t, machine(t, emulator.Options{}), cuda.Options{}, 0)[0]
		_, p := sum(t, c, enginetest.Ranks(1)[0])
		if err := p.Run(engine.Step{}); err != nil {
			t.Fatal(err)
		}
		if err := c.Sync(); err == nil || !strings.Contains(err.Error(), "all-reduce to g") || !strings.Contains(err.Error(), "Join comes before Run") {
			t.Errorf("error %v", err)
		}
		_ = c.Close()
	})
	t.Run("two contexts on a GPU", func(t *testing.T) {
		contexts := open(t, machine(t, emulator.Options{}), cuda.Options{}, 0, 0)
		by := enginetest.Ranks(1)[0]
		first, second := contexts[0].(engine.Joiner), contexts[1].(engine.Joiner)
		if err := first.Join(by); err != nil {
			t.Error(err)
		}
		if err := first.Join(by); err == nil || !strings.Contains(err.Error(), "joined before") {
			t.Errorf("a second time: %v", err)
		}
		if err := second.Join(by); err == nil || !strings.Contains(err.Error(), "want one a GPU") {
			t.Errorf("the second context: %v", err)
		}
		if err := errors.Join(contexts[0].Close(), contexts[1].Close()); err != nil {
			t.Error(err)
		}
	})
	t.Run("rank 0 couldn't", func(t *testing.T) {
		m := machine(t, emulator.Options{Devices: 2, Fail: func(call string, _ int) error {
			if call == "ncclGetUniqueId" {
				return errors.New("no NCCL here")
			}
			return nil
		}})
		errs := onRanks(2, func(by *enginetest.Peer) error {
			c := open(t, m, cuda.Options{}, by.Rank())[0]
			return errors.Join(c.(engine.Joiner).Join(by), c.Close())
		})
		for rank, want := range []string{"cuda:0: joining 2 ranks: no NCCL here", "cuda:1: joining 2 ranks: rank 0 couldn't begin"} {
			if errs[rank] == nil || !strings.Contains(errs[rank].Error(), want) {
				t.Errorf("rank %d: %v, want %s", rank, errs[rank], want)
			}
		}
	})
}

// TestSumsRunBeside: while a sum waits for a rank that doesn't come, what was
// computed behind it reaches another context. Closing waits no longer than the
// time that ranks have.
func TestSumsRunBeside(t *testing.T) {
	m := machine(t, emulator.Options{Devices: 3})
	o := cuda.Options{RankTimeout: time.Second}
	errs := onRanks(2, func(by *enginetest.Peer) error {
		if by.Rank() == 1 {
			c := open(t, m, o, 2)[0]
			err := c.(engine.Joiner).Join(by)
			time.Sleep(2 * time.Second)
			return errors.Join(err, c.Close())
		}
		contexts := open(t, m, o, 0, 1)
		a, b := contexts[0], contexts[1]
		g := &engine.Tensor{Name: "g", Type: engine.Float32, Life: engine.Persistent, Shape: engine.Shape{4, 1, 1, 1}, Context: a}
		x := &engine.Tensor{Name: "x", Type: engine.Working, Life: engine.Persistent, Shape: engine.Shape{1, 4, 1, 1}, Context: a, Offset: 256}
		y := &engine.Tensor{Name: "y", Type: engine.Working, Life: engine.Persistent, Shape: engine.Shape{1, 4, 1, 1}, Context: b}
		done := a.NewEvent()
		first := []engine.Op{engine.AllReduce{T: g, By: by}, engine.Activate{X: x, Y: x}, engine.Signal{Event: done}, engine.AwaitAllReduce{}}
		second := []engine.Op{engine.Await{Event: done}, engine.Concat{Parts: []*engine.Tensor{x}, Y: y}}
		var programs []engine.Program
		for i, ops := range [][]engine.Op{first, second} {
			c := contexts[i]
			if err := c.Reserve(512, c.Workspace(ops)); err != nil {
				return err
			}
			p, err := c.Compile(ops)
			if err != nil {
				return err
			}
			programs = append(programs, p)
		}
		got := make([]float32, 4)
		err := errors.Join(a.(engine.Joiner).Join(by), a.Upload(g, make([]float32, 4)), a.Upload(x, []float32{-1, 2, -3, 4}),
			programs[0].Run(engine.Step{}), programs[1].Run(engine.Step{}), b.Download(got, y), b.Sync())
		if want := "[0 2 0 4]"; fmt.Sprint(got) != want {
			t.Errorf("beside a sum that hangs came %v, want %s", got, want)
		}
		closed := a.Close()
		if !errors.Is(closed, engine.ErrStalled) || !strings.Contains(closed.Error(), "the sum of g") {
			t.Errorf("closed with %v", closed)
		}
		return errors.Join(err, b.Close())
	})
	if err := errors.Join(errs...); err != nil {
		t.Error(err)
	}
}

// TestEveryRankCallMayFail lets some of the calls of two ranks that have joined fail
// in turn: the run ends with an error, in time, or goes on without what failed and says
// so in a note, and everything is given back.
func TestEveryRankCallMayFail(t *testing.T) {
	if testing.Short() {
		t.Skip("every failure takes the time that ranks have")
	}
	run := func(f *failer, told *notes) error {
		var joined sync.WaitGroup // before it one rank's failure leaves the other waiting for its launcher
		joined.Add(2)
		var armed atomic.Bool
		m := machine(t, emulator.Options{Devices: 2, Fail: func(call string, n int) error {
			if !armed.Load() {
				return nil
			}
			return f.ask(call, n)
		}})
		o := cuda.Options{Precision: cuda.BF16, Deterministic: true, Wire: cuda.BF16, RankTimeout: 200 * time.Millisecond, Note: told.add}
		err := errors.Join(onRanks(2, func(by *enginetest.Peer) error {
			model, err := rankModel(m, o, engine.ModelConfig{Batch: 2, Group: by}, by.Rank())
			joined.Done()
			if err != nil {
				return err
			}
			joined.Wait()
			armed.Store(true)
			_, err = steps(model, 4, by.Rank(), 2, 3)
			return err
		})...)
		return errors.Join(err, m.Check())
	}
	all := &failer{at: -1}
	if err := run(all, new(notes)); err != nil {
		t.Fatal(err)
	}
	refused, noted := map[string]int{}, map[string]int{}
	for at := 0; at < all.count; at += max(1, all.count/50) {
		inTime(t, func() {
			f := &failer{at: at}
			told := new(notes)
			err := run(f, told)
			name := f.failed()
			switch {
			case name == "": // fewer calls than in the first run
			case err == nil && told.with("refused by the test: "+name) != "":
				noted[name]++
			case err == nil:
				t.Errorf("call %d (%s) failed and nobody said so", at, name)
			case !strings.Contains(err.Error(), "refused by the test: "+name):
				t.Errorf("call %d (%s): the error doesn't name it: %v", at, name, err)
			default:
				refused[name]++
			}
		})
	}
	t.Logf("refused: %v, made do without: %v", refused, noted)
}
