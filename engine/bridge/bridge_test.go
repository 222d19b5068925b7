package bridge_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"alexnet/engine"
	"alexnet/engine/bridge"
	"alexnet/engine/cpu"
	"alexnet/engine/enginetest"
)

func open(names ...string) ([]engine.Context, error) {
	var contexts []engine.Context
	for _, name := range names {
		c, err := cpu.New(name, cpu.Options{Threads: 1})
		if err != nil {
			return nil, err
		}
		contexts = append(contexts, c)
	}
	return bridge.Join(contexts), nil
}

// TestConformance: a context in a bridge is a context.
func TestConformance(t *testing.T) {
	enginetest.RunCases(t, enginetest.Thin(), func(t *testing.T) engine.Context {
		contexts, err := open("cpu")
		if err != nil {
			t.Fatal(err)
		}
		return contexts[0]
	}, enginetest.FP32)
}

// TestPairs runs the cases in which two contexts exchange tensors, on two that can't read each
// other's memory.
func TestPairs(t *testing.T) {
	for _, c := range enginetest.Cases() {
		if !strings.HasPrefix(c.Name, "events/") || strings.HasPrefix(c.Name, "events/own") { // these open one
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			if _, err := c.Check(enginetest.Pairs(func() ([]engine.Context, error) { return open("left", "right") }), enginetest.FP32); err != nil {
				t.Error(err)
			}
		})
	}
}

// broken is a context whose programs fail.
type broken struct{ engine.Context }

func (b broken) Compile(ops []engine.Op) (engine.Program, error) { return b, nil }
func (b broken) Run(engine.Step) error                           { return errors.New("it broke") }

// TestPeerFails: who awaits a context that fails, fails with its words.
func TestPeerFails(t *testing.T) {
	left, err := cpu.New("left", cpu.Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	right, err := cpu.New("right", cpu.Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	contexts := bridge.Join([]engine.Context{broken{left}, right})
	x := &engine.Tensor{Name: "x", Shape: engine.Shape{1, 4, 1, 1}, Life: engine.Persistent, Context: contexts[0]}
	y := &engine.Tensor{Name: "y", Shape: x.Shape, Life: engine.Persistent, Context: contexts[1]}
	done := contexts[0].NewEvent()
	for i, ops := range [][]engine.Op{
		{engine.Activate{X: x, Y: x}, engine.Signal{Event: done}},
		{engine.Await{Event: done}, engine.Concat{Parts: []*engine.Tensor{x}, Y: y}},
	} {
		plan := engine.PlanArena(contexts[i], ops)
		if err := contexts[i].Reserve(plan.Arena(), plan.Workspace); err != nil {
			t.Fatal(err)
		}
		p, err := contexts[i].Compile(ops)
		if err == nil {
			err = p.Run(engine.Step{})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for i, want := range []string{"left: it broke", "right: it awaits left, which has failed: it broke"} {
		if err := contexts[i].Sync(); err == nil || err.Error() != want {
			t.Errorf("context %d: %v, want %s", i, err, want)
		}
		if err := contexts[i].Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestRanks runs the cases in which ranks meet.
func TestRanks(t *testing.T) {
	enginetest.RunRanks(t, 3, func(t *testing.T, _ int) engine.Context {
		contexts, err := open("cpu")
		if err != nil {
			t.Fatal(err)
		}
		return contexts[0]
	})
}

// TestRankTraining: two ranks of two contexts each take the steps of one context, to
// rounding.
func TestRankTraining(t *testing.T) {
	const batch, ranks = 4, 2
	net, err := engine.Preset("alexnet-mini", 10)
	if err != nil {
		t.Fatal(err)
	}
	model := func(contexts []engine.Context, cfg engine.ModelConfig) *engine.Model {
		cfg.InputScale, cfg.Decay = 1./64, 5e-4
		m, err := engine.NewModel(net, contexts, cfg)
		if err == nil {
			t.Cleanup(func() { m.Close() })
			err = m.Initialize(engine.InitHe, 7)
		}
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	pixels := net.Input.Size * net.Input.Size * 3
	b := engine.Batch{Images: batch, Pixels: make([]byte, batch*pixels), Colour: make([]float32, 3*batch), Labels: []int32{3, 1, 4, 1}}
	noise := rand.New(rand.NewPCG(1, 2))
	for i := range b.Pixels {
		b.Pixels[i] = byte(noise.Uint32())
	}
	alone, err := cpu.New("cpu", cpu.Options{Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	one := model([]engine.Context{alone}, engine.ModelConfig{Batch: batch})
	const steps = 3
	step := func(n int) engine.Step {
		return engine.Step{Seed: 1, Number: uint64(n), LearningRate: 0.01, Momentum: 0.9}
	}
	for n := range steps {
		if _, err := one.Train(b, step(n)); err != nil {
			t.Fatal(err)
		}
	}
	var models []*engine.Model
	for _, by := range enginetest.Ranks(ranks) {
		contexts, err := open("left", "right")
		if err != nil {
			t.Fatal(err)
		}
		models = append(models, model(contexts, engine.ModelConfig{Batch: batch / ranks, Group: by}))
	}
	var all sync.WaitGroup
	errs := make([]error, ranks)
	for r, m := range models {
		first := r * batch / ranks
		share := engine.Batch{Images: batch / ranks, Pixels: b.Pixels[first*pixels:], Colour: b.Colour[3*first:], Labels: b.Labels[first:]}
		all.Go(func() {
			for n := 0; n < steps && errs[r] == nil; n++ {
				s := step(n)
				_, errs[r] = m.Train(share, s)
			}
		})
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	for _, p := range one.Parameters() {
		want, err := one.Read(engine.Weight, p.Name)
		if err != nil {
			t.Fatal(err)
		}
		var first []float32
		for r, m := range models {
			got, err := m.Read(engine.Weight, p.Name)
			if err != nil {
				t.Fatal(err)
			}
			if r == 0 {
				first = got
			} else if !slices.Equal(got, first) {
				t.Errorf("%s: rank %d has other weights than rank 0", p.Name, r)
			}
		}
		var diff, norm float64
		for i, w := range want {
			d := float64(first[i] - w)
			diff, norm = diff+d*d, norm+float64(w)*float64(w)
		}
		if !(diff <= 1e-8*norm) {
			t.Errorf("%s: off by %g of its norm", p.Name, math.Sqrt(diff/norm))
		}
	}
}
