package engine_test

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"alexnet/engine"
	"alexnet/engine/devices"
)

// ratedNet has two towers, a layer of every kind, and rates and decays of its own.
const ratedNet = `{
  "name": "rated", "input": {"size": 9, "scale": 0.02}, "towers": 2, "classes": 3,
  "layers": [
    {"name": "conv1", "conv": {"maps": 4, "kernel": 3, "stride": 1, "pad": 1, "std": 0.1, "rate": 0}},
    {"activate": "relu"},
    {"lrn": {"size": 3, "k": 1, "alpha": 0.1, "beta": 0.75}},
    {"maxpool": {"kernel": 2, "stride": 2, "pad": 0, "ceil": true}},
    {"name": "local2", "local": {"maps": 4, "kernel": 3, "stride": 1, "pad": 1, "std": 0.1, "reads": "own", "rate": 0.25, "bias_rate": 2, "decay": 0.25}},
    {"activate": "tanh"},
    {"avgpool": {"kernel": 3, "stride": 2, "pad": 0}},
    {"name": "local3", "local": {"maps": 6, "kernel": 2, "stride": 1, "pad": 0, "std": 0.1, "bias_rate": 0}},
    {"name": "fc4", "dense": {"units": 6, "std": 0.1, "rate": 2, "decay": 0, "bias_decay": 0.125}},
    {"dropout": {"rate": 0.5}},
    {"name": "fc5", "dense": {"units": 0, "std": 0.1}}
  ]}`

// TestRatesByLayer: each parameter moves by the update rule with the rate and the
// decay that the net gives it, wherever its towers are and however the batch is cut.
func TestRatesByLayer(t *testing.T) {
	const decay, eps = 0.5, 0.125
	want := map[string]struct{ rate, decay float64 }{ // worked out from the net
		"conv1.weight": {0, 0}, "conv1.bias": {0, 0},
		"local2.weight": {0.25, 0.25}, "local2.bias": {0.5, 0},
		"local3.weight": {1, decay}, "local3.bias": {0, 0},
		"fc4.weight": {2, 0}, "fc4.bias": {2, 0.125},
		"fc5.weight": {1, decay}, "fc5.bias": {1, 0},
	}
	net, err := engine.ReadNet(strings.NewReader(ratedNet))
	if err != nil {
		t.Fatal(err)
	}
	var losses [][]float32
	for _, c := range []struct {
		devices string
		cfg     engine.ModelConfig
	}{
		{"cpu", engine.ModelConfig{Tap: "local2"}}, {"cpu,cpu", engine.ModelConfig{Tap: "local2"}},
		{"cpu", engine.ModelConfig{Accumulate: 2}}, {"cpu,cpu", engine.ModelConfig{Accumulate: 2}},
	} {
		t.Run(fmt.Sprintf("%s in %d", c.devices, max(c.cfg.Accumulate, 1)), func(t *testing.T) {
			contexts, err := devices.Open(c.devices, devices.Options{Threads: 2})
			if err != nil {
				t.Fatal(err)
			}
			c.cfg.Batch, c.cfg.Decay = tinyBatch, decay
			m, err := engine.NewModel(net, contexts, c.cfg)
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			if err := m.Initialize(engine.InitHe, 7); err != nil {
				t.Fatal(err)
			}
			read := func(f engine.Field, name string) []float32 {
				v, err := m.Read(f, name)
				if err != nil {
					t.Fatal(err)
				}
				return v
			}
			b, err := (&batches{end: 1}).Next(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			before := map[string][]float32{}
			for _, p := range m.Parameters() {
				before[p.Name] = read(engine.Weight, p.Name)
			}
			if c.cfg.Tap == "local2" {
				if _, features, err := m.Features(b); err != nil || len(features) != tinyBatch*4*5*5 {
					t.Errorf("%d features of local2, %v", len(features), err)
				}
			}
			if len(before) != len(want) {
				t.Errorf("%d parameters, want %d", len(before), len(want))
			}
			o, err := m.Train(b, engine.Step{Seed: 1, LearningRate: eps, Momentum: 0.9})
			if err != nil {
				t.Fatal(err)
			}
			losses = append(losses, append([]float32(nil), o.Loss...))
			for name, w0 := range before {
				w1, r := read(engine.Weight, name), want[name]
				if r.rate == 0 {
					if !reflect.DeepEqual(w0, w1) {
						t.Errorf("%s has rate 0 and moved", name)
					}
					continue
				}
				g, moved := read(engine.Gradient, name), false
				for i := range w0 {
					w := float64(w0[i]) - r.decay*eps*r.rate*float64(w0[i]) - eps*r.rate*float64(g[i])
					if math.Abs(w-float64(w1[i])) > 1e-6*(1+math.Abs(w)) {
						t.Fatalf("%s[%d] is %g, want %g: rate %g, decay %g", name, i, w1[i], w, r.rate, r.decay)
					}
					moved = moved || g[i] != 0
				}
				if !moved {
					t.Errorf("%s has no gradient", name)
				}
			}
			path := filepath.Join(t.TempDir(), "net.safetensors")
			if err := engine.WriteCheckpoint(path, m, &engine.Checkpoint{Net: net, Classes: []string{"a", "b", "c"}}); err != nil {
				t.Fatal(err)
			}
			saved, err := engine.OpenCheckpoint(path)
			if err != nil {
				t.Fatal(err)
			}
			defer saved.Close()
			if !reflect.DeepEqual(saved.Net, net) {
				t.Errorf("the checkpoint's net is\n%s, want\n%s", saved.Net.JSON(), net.JSON())
			}
		})
	}
	for _, l := range losses {
		for i := range l {
			if d := math.Abs(float64(l[i] - losses[0][i])); !(d < 1e-5) {
				t.Errorf("image %d has loss %g in one placement and %g in another", i, losses[0][i], l[i])
			}
		}
	}
	bad := strings.Replace(ratedNet, `"rate": 0.25`, `"rate": -1`, 1)
	if _, err := engine.ReadNet(strings.NewReader(bad)); err == nil || !strings.Contains(err.Error(), "local2") || !strings.Contains(err.Error(), "rate -1") {
		t.Errorf("a negative rate: %v", err)
	}
}

// TestNoiseScaleIsTrainingsAlone: a net's noise scale acts in training with colour
// noise, and neither in training without nor in inference.
func TestNoiseScaleIsTrainingsAlone(t *testing.T) {
	losses := func(scale, noise string, cfg engine.ModelConfig) (train, infer []float32) {
		t.Helper()
		net, err := engine.ReadNet(strings.NewReader(strings.Replace(tinyNet, `"scale": 0.02`, fmt.Sprintf(`"scale": %s, "noise_scale": %s`, scale, noise), 1)))
		if err != nil {
			t.Fatal(err)
		}
		contexts, err := devices.Open("cpu", devices.Options{Threads: 1})
		if err != nil {
			t.Fatal(err)
		}
		cfg.Batch = tinyBatch
		m, err := engine.NewModel(net, contexts, cfg)
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		if err := m.Initialize(engine.InitHe, 7); err != nil {
			t.Fatal(err)
		}
		b, err := (&batches{end: 1}).Next(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		o, err := m.Infer(b)
		if err != nil {
			t.Fatal(err)
		}
		infer = append(infer, o.Loss...)
		if o, err = m.Train(b, engine.Step{Seed: 1}); err != nil {
			t.Fatal(err)
		}
		return append(train, o.Loss...), infer
	}
	noisyTrain, noisyInfer := losses("0.02", "0.5", engine.ModelConfig{ColourNoise: true})
	quietTrain, quietInfer := losses("0.02", "0.5", engine.ModelConfig{})
	halfTrain, halfInfer := losses("0.01", "1", engine.ModelConfig{})
	if !reflect.DeepEqual(noisyTrain, halfTrain) || reflect.DeepEqual(quietTrain, halfTrain) {
		t.Errorf("training's losses %v with noise, %v without, want %v with noise", noisyTrain, quietTrain, halfTrain)
	}
	if !reflect.DeepEqual(noisyInfer, quietInfer) || reflect.DeepEqual(noisyInfer, halfInfer) {
		t.Errorf("inference's losses %v with noise, %v without: want the same, and not %v", noisyInfer, quietInfer, halfInfer)
	}
	leanTrain, _ := losses("0.02", "0.5", engine.ModelConfig{ColourNoise: true, Lean: true})
	if !reflect.DeepEqual(leanTrain, halfTrain) {
		t.Errorf("training's losses %v with less memory, want %v", leanTrain, halfTrain)
	}
}
