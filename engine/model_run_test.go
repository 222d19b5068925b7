package engine_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"alexnet/engine"
)

// weights reads every parameter.
func weights(t *testing.T, m *engine.Model) map[string][]float32 {
	t.Helper()
	all := map[string][]float32{}
	for _, p := range m.Parameters() {
		v, err := m.Read(engine.Weight, p.Name)
		if err != nil {
			t.Fatal(err)
		}
		all[p.Name] = v
	}
	return all
}

func sameWeights(t *testing.T, what string, got, want map[string][]float32) {
	t.Helper()
	for name, w := range want {
		if !slices.Equal(got[name], w) {
			t.Errorf("%s: %s differs", what, name)
		}
	}
}

// Two steps under way give what one after the other gives, to the bit, and the
// batches may be overwritten once their step is finished.
func TestPipelinedSteps(t *testing.T) {
	net := preset(t, "alexnet-mini", 10)
	for _, list := range []string{"cpu", "cpu,cpu"} {
		t.Run(list, func(t *testing.T) {
			cfg := engine.ModelConfig{Batch: 3, InputScale: 1. / 64, Decay: 5e-4}
			plain, ahead := newModel(t, net, list, cfg), newModel(t, net, list, cfg)
			for _, m := range []*engine.Model{plain, ahead} {
				if err := m.Initialize(engine.InitHe, 7); err != nil {
					t.Fatal(err)
				}
			}
			step := func(i int) engine.Step {
				return engine.Step{Seed: 1, Number: uint64(i), LearningRate: .01, Momentum: .9}
			}
			const steps = 6
			var want [][]float32
			for i := range steps {
				b := randomBatch(net, 3, uint64(i))
				b.Images = 3 - i%2 // every other one is ragged
				o, err := plain.Train(b, step(i))
				if err != nil {
					t.Fatal(err)
				}
				want = append(want, slices.Clone(o.Loss))
			}
			var memory [2]engine.Batch
			for i := range memory {
				memory[i] = randomBatch(net, 3, 0)
			}
			for i := range steps + 1 {
				if i < steps {
					b := randomBatch(net, 3, uint64(i))
					into := &memory[i%2]
					copy(into.Pixels, b.Pixels)
					copy(into.Colour, b.Colour)
					copy(into.Labels, b.Labels)
					into.Images = 3 - i%2
					if err := ahead.Start(*into, step(i)); err != nil {
						t.Fatal(err)
					}
				}
				if i > 0 {
					o, err := ahead.Finish()
					if err != nil {
						t.Fatal(err)
					}
					if !slices.Equal(o.Loss, want[i-1]) {
						t.Errorf("step %d: losses %v, one after the other %v", i-1, o.Loss, want[i-1])
					}
				}
			}
			sameWeights(t, "after the last step", weights(t, ahead), weights(t, plain))
		})
	}
}

// A step whose loss is not a number changes no weight; nor does one that was
// started before this was known. Later steps train again.
func TestHaltedSteps(t *testing.T) {
	net := preset(t, "alexnet-mini", 10)
	for _, list := range []string{"cpu", "cpu,cpu"} {
		t.Run(list, func(t *testing.T) {
			m := newModel(t, net, list, engine.ModelConfig{Batch: 2, InputScale: 1. / 64})
			if err := m.Initialize(engine.InitHe, 7); err != nil {
				t.Fatal(err)
			}
			good, bad := randomBatch(net, 2, 1), randomBatch(net, 2, 2)
			bad.Colour[4] = float32(math.NaN())
			s := engine.Step{LearningRate: .01}
			before := weights(t, m)
			for i, b := range []engine.Batch{bad, good} {
				if err := m.Start(b, s); err != nil {
					t.Fatal(i, err)
				}
			}
			for i, finite := range []bool{false, true} {
				o, err := m.Finish()
				if err != nil || !o.Halted || (o.Loss[1] == o.Loss[1]) != finite {
					t.Fatalf("step %d: %v, halted %t, losses %v", i, err, o.Halted, o.Loss)
				}
			}
			sameWeights(t, "after a bad step and one behind it", weights(t, m), before)
			if o, err := m.Train(good, s); err != nil || o.Halted {
				t.Fatalf("halted %t, %v", o.Halted, err)
			}
			if slices.Equal(weights(t, m)["conv1.weight"], before["conv1.weight"]) {
				t.Error("a good step afterwards changed nothing")
			}
		})
	}
}

func TestStepsUnderWay(t *testing.T) {
	net := preset(t, "alexnet-mini", 10)
	m := newModel(t, net, "cpu", engine.ModelConfig{Batch: 2, InputScale: 1. / 64})
	if err := m.Initialize(engine.InitHe, 7); err != nil {
		t.Fatal(err)
	}
	b := randomBatch(net, 2, 1)
	says := func(err error, want string) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
	_, err := m.Finish()
	says(err, "no step is under way")
	for range 2 {
		if err := m.Start(b, engine.Step{}); err != nil {
			t.Fatal(err)
		}
	}
	says(m.Start(b, engine.Step{}), "two steps are under way")
	_, err = m.Infer(b)
	says(err, "finish it first")
	_, err = m.Train(b, engine.Step{})
	says(err, "finish it first")
	_, err = m.Read(engine.Weight, "conv1.bias")
	says(err, "finish it first")
	says(m.Write(engine.Weight, "conv1.bias", make([]float32, 32)), "finish it first")
	for range 2 {
		if _, err := m.Finish(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := m.Infer(b); err != nil {
		t.Error(err)
	}
}

// A batch cut into pieces gives the whole batch's outcome and gradient, dropout
// included, in less memory, whole or ragged, and with pieces that hold no image.
func TestAccumulation(t *testing.T) {
	net := preset(t, "alexnet-mini", 10)
	for _, list := range []string{"cpu", "cpu,cpu"} {
		cfg := engine.ModelConfig{Batch: 6, InputScale: 1. / 64, Decay: 5e-4, Smoothing: 0.1}
		whole := newModel(t, net, list, cfg)
		cfg.Accumulate = 3
		cut := newModel(t, net, list, cfg)
		for _, m := range []*engine.Model{whole, cut} {
			if err := m.Initialize(engine.InitHe, 7); err != nil {
				t.Fatal(err)
			}
		}
		if a, b := whole.Plans()[0], cut.Plans()[0]; b.Scratch > a.Scratch/2 {
			t.Errorf("%s: %d bytes of scratch memory for a third of the batch, %d for the whole", list, b.Scratch, a.Scratch)
		}
		for step, images := range []int{6, 5, 1, 4} {
			b := randomBatch(net, 6, uint64(step))
			b.Images = images
			s := engine.Step{Seed: 1, Number: uint64(step), LearningRate: .01, Momentum: .9}
			want, err := whole.Train(b, s)
			if err != nil {
				t.Fatal(err)
			}
			got, err := cut.Train(b, s)
			if err != nil {
				t.Fatal(err)
			}
			if len(got.Loss) != images {
				t.Fatalf("%d losses of %d images", len(got.Loss), images)
			}
			for i, w := range want.Loss {
				if math.Abs(float64(got.Loss[i]-w)) > 1e-4 {
					t.Errorf("%s, step %d, image %d: loss %g in pieces, %g whole", list, step, i, got.Loss[i], w)
				}
			}
			same(t, whole, cut, engine.Gradient, 1e-4)
		}
		same(t, whole, cut, engine.Weight, 1e-4)
		b := randomBatch(net, 5, 9)
		want, err := whole.Infer(b)
		if err != nil {
			t.Fatal(err)
		}
		got, err := cut.Infer(b)
		if err != nil || len(got.Probs) != 50 || math.Abs(float64(got.Loss[4]-want.Loss[4])) > 1e-4 {
			t.Errorf("%s: inference in pieces: %v, %d probabilities, loss %g, want %g", list, err, len(got.Probs), got.Loss[4], want.Loss[4])
		}
	}
}
