package engine_test

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"alexnet/engine"
	"alexnet/engine/devices"
)

func open(t *testing.T, list string) []engine.Context {
	t.Helper()
	contexts, err := devices.Open(list, devices.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return contexts
}

func newModel(t *testing.T, net *engine.Net, list string, cfg engine.ModelConfig) *engine.Model {
	t.Helper()
	m, err := engine.NewModel(net, open(t, list), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return m
}

func randomBatch(net *engine.Net, n int, seed uint64) engine.Batch {
	r := rand.New(rand.NewPCG(seed, 0))
	b := engine.Batch{Images: n, Pixels: make([]byte, n*net.Input.Size*net.Input.Size*3), Colour: make([]float32, 3*n), Labels: make([]int32, n)}
	for i := range b.Pixels {
		b.Pixels[i] = byte(r.Uint32())
	}
	for i := range b.Colour {
		b.Colour[i] = float32(r.NormFloat64())
	}
	for i := range b.Labels {
		b.Labels[i] = int32(r.IntN(net.Classes))
	}
	return b
}

func preset(t *testing.T, name string, classes int) *engine.Net {
	t.Helper()
	net, err := engine.Preset(name, classes)
	if err != nil {
		t.Fatal(err)
	}
	return net
}

// The paper's net has 60,965,224 parameters with 1000 classes, however it is
// placed. Nothing is allocated to find out.
func TestParameterCount(t *testing.T) {
	for _, list := range []string{"cpu", "cpu,cpu"} {
		contexts := open(t, list)
		plans, err := engine.PlanModel(preset(t, "alexnet", 1000), contexts, engine.ModelConfig{Batch: 1})
		if err != nil {
			t.Fatal(err)
		}
		count := 0
		for i, p := range plans {
			for _, x := range p.Tensors {
				if strings.HasSuffix(x.Name, ".momentum") {
					count += x.Shape.Len()
				}
			}
			if err := contexts[i].Close(); err != nil {
				t.Error(err)
			}
		}
		if count != 60_965_224 {
			t.Errorf("%s: %d parameters, want 60,965,224", list, count)
		}
	}
}

// First weights, outcomes and gradients don't depend on placement beyond
// rounding; first weights and dropout masks not at all.
func TestPlacements(t *testing.T) {
	noCrossTalk := preset(t, "alexnet-mini", 10)
	noCrossTalk.Name = "no cross-talk"
	for _, l := range noCrossTalk.Layers {
		if l.Name == "conv3" {
			l.Conv.Reads = engine.ReadsOwn
		}
		if l.Name == "fc6" || l.Name == "fc7" {
			l.Dense.Reads = engine.ReadsOwn
		}
	}
	for _, net := range []*engine.Net{preset(t, "alexnet-mini", 10), noCrossTalk} {
		t.Run(net.Name, func(t *testing.T) {
			cfg := engine.ModelConfig{Batch: 5, InputScale: 1. / 64, Decay: 5e-4}
			one, two := newModel(t, net, "cpu", cfg), newModel(t, net, "cpu,cpu", cfg)
			for _, m := range []*engine.Model{one, two} {
				if err := m.Initialize(engine.InitHe, 7); err != nil {
					t.Fatal(err)
				}
			}
			same(t, one, two, engine.Weight, 0)
			for step := range uint64(3) {
				b := randomBatch(net, 5, step)
				s := engine.Step{Seed: 1, Number: step, LearningRate: .01, Momentum: .9}
				o1, err := one.Train(b, s)
				if err != nil {
					t.Fatal(err)
				}
				o2, err := two.Train(b, s)
				if err != nil {
					t.Fatal(err)
				}
				for i := range o1.Loss {
					// Both sum the same float32 terms in another order.
					if math.Abs(float64(o1.Loss[i]-o2.Loss[i])) > 1e-4 {
						t.Errorf("step %d, image %d: loss %g on cpu, %g on cpu,cpu", step, i, o1.Loss[i], o2.Loss[i])
					}
				}
				same(t, one, two, engine.Gradient, 1e-4)
			}
			same(t, one, two, engine.Weight, 1e-4)
		})
	}
}

// same compares a field of every parameter: ‖a−b‖ ≤ tolerance·‖a‖.
func same(t *testing.T, a, b *engine.Model, f engine.Field, tolerance float64) {
	t.Helper()
	for _, q := range a.Parameters() {
		x, err := a.Read(f, q.Name)
		if err != nil {
			t.Fatal(err)
		}
		y, err := b.Read(f, q.Name)
		if err != nil {
			t.Fatal(err)
		}
		var diff, norm float64
		for i := range x {
			d := float64(x[i]) - float64(y[i])
			diff, norm = diff+d*d, norm+float64(x[i])*float64(x[i])
		}
		if !(math.Sqrt(diff) <= tolerance*math.Sqrt(norm)) {
			t.Errorf("%s: relative difference %g, want at most %g", q.Name, math.Sqrt(diff/norm), tolerance)
		}
		if f == engine.Gradient && norm == 0 {
			t.Errorf("%s: no gradient at all", q.Name)
		}
	}
}

// A ragged batch gives each image what a full one gives.
func TestRaggedBatch(t *testing.T) {
	net := preset(t, "alexnet-mini", 10)
	m := newModel(t, net, "cpu,cpu", engine.ModelConfig{Batch: 4, InputScale: 1. / 64, Inference: true})
	if err := m.Initialize(engine.InitHe, 1); err != nil {
		t.Fatal(err)
	}
	b := randomBatch(net, 4, 3)
	full, err := m.Infer(b)
	if err != nil {
		t.Fatal(err)
	}
	loss := append([]float32(nil), full.Loss...)
	b.Images = 3
	ragged, err := m.Infer(b)
	if err != nil {
		t.Fatal(err)
	}
	if len(ragged.Loss) != 3 || len(ragged.Probs) != 30 {
		t.Fatalf("%d losses, %d probabilities for 3 images of 10 classes", len(ragged.Loss), len(ragged.Probs))
	}
	for i, l := range ragged.Loss {
		if l != loss[i] {
			t.Errorf("image %d: loss %g in a ragged batch, %g in a full one", i, l, loss[i])
		}
	}
}

func TestModelErrors(t *testing.T) {
	net := preset(t, "alexnet-mini", 10)
	contexts := open(t, "cpu,cpu,cpu")
	for _, c := range contexts {
		defer c.Close()
	}
	for want, f := range map[string]func() error{
		"don't spread over 3 devices": func() error { _, err := engine.NewModel(net, contexts, engine.ModelConfig{Batch: 1}); return err },
		"batch of 0":                  func() error { _, err := engine.NewModel(net, contexts[:1], engine.ModelConfig{}); return err },
		"wants 3×64×64": func() error {
			_, err := engine.NewModel(net, contexts[:1], engine.ModelConfig{Batch: 1, Mean: make([]float32, 3)})
			return err
		},
		"into 3 equal pieces": func() error {
			_, err := engine.NewModel(net, contexts[:1], engine.ModelConfig{Batch: 8, Accumulate: 3})
			return err
		},
		"batch that is cut": func() error {
			_, err := engine.NewModel(net, contexts[:1], engine.ModelConfig{Batch: 8, Accumulate: 2, Tap: "fc7"})
			return err
		},
		"smoothing 1": func() error {
			_, err := engine.PlanModel(net, contexts[:1], engine.ModelConfig{Batch: 1, Smoothing: 1})
			return err
		},
		"no device called \"tpu\"": func() error { _, err := devices.Open("cpu,tpu", devices.Options{}); return err },
	} {
		if err := f(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
	m := newModel(t, net, "cpu", engine.ModelConfig{Batch: 2, Inference: true})
	bad := randomBatch(net, 2, 0)
	bad.Labels[1] = 10
	for want, f := range map[string]func() error{
		"label 10":                  func() error { _, err := m.Infer(bad); return err },
		"3 images for a model of":   func() error { _, err := m.Infer(randomBatch(net, 3, 0)); return err },
		"inference only":            func() error { _, err := m.Train(randomBatch(net, 2, 0), engine.Step{}); return err },
		"no parameter \"conv9\"":    func() error { _, err := m.Read(engine.Weight, "conv9"); return err },
		"conv1.bias: 3 values, the": func() error { return m.Write(engine.Weight, "conv1.bias", make([]float32, 3)) },
	} {
		if err := f(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}

func BenchmarkAlexnetStep(b *testing.B) {
	net, err := engine.Preset("alexnet", 1000)
	if err != nil {
		b.Fatal(err)
	}
	contexts, err := devices.Open("cpu", devices.Options{})
	if err != nil {
		b.Fatal(err)
	}
	const batch = 64
	m, err := engine.NewModel(net, contexts, engine.ModelConfig{Batch: batch, InputScale: 1. / 64, Decay: 5e-4})
	if err != nil {
		b.Fatal(err)
	}
	defer m.Close()
	if err := m.Initialize(engine.InitHe, 1); err != nil {
		b.Fatal(err)
	}
	images := randomBatch(net, batch, 1)
	s := engine.Step{LearningRate: .001, Momentum: .9}
	for b.Loop() {
		if _, err := m.Train(images, s); err != nil {
			b.Fatal(err)
		}
		s.Number++
	}
	b.ReportMetric(float64(batch*b.N)/b.Elapsed().Seconds(), "images/s")
}
