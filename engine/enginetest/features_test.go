package enginetest_test

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"alexnet/engine"
	"alexnet/engine/cpu"
)

// openTapped opens alexnet-mini with the same first weights on this number of contexts.
func openTapped(t *testing.T, contexts int, tap string) *engine.Model {
	t.Helper()
	net, err := engine.Preset("alexnet-mini", 10)
	if err != nil {
		t.Fatal(err)
	}
	list := make([]engine.Context, contexts)
	for i := range list {
		if list[i], err = cpu.New("cpu", cpu.Options{Threads: 1}); err != nil {
			t.Fatal(err)
		}
	}
	m, err := engine.NewModel(net, list, engine.ModelConfig{Batch: 3, Inference: true, Tap: tap})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	if err := m.Initialize(engine.InitHe, 1); err != nil {
		t.Fatal(err)
	}
	return m
}

// TestFeatures computes the net's answer from the tapped layer by hand, on one
// and on two contexts, so the tap must hold the right values in the right order.
func TestFeatures(t *testing.T) {
	pixels := make([]byte, 2*64*64*3)
	r := rand.New(rand.NewPCG(1, 2))
	for i := range pixels {
		pixels[i] = byte(r.IntN(256))
	}
	batch := engine.Batch{Images: 2, Pixels: pixels, Labels: []int32{0, 1}}
	for _, contexts := range []int{1, 2} {
		m := openTapped(t, contexts, "fc7")
		o, features, err := m.Features(batch)
		if err != nil {
			t.Fatal(err)
		}
		if len(features) != 2*256 {
			t.Fatalf("%d contexts: %d features, want 2×256", contexts, len(features))
		}
		w, err := m.Read(engine.Weight, "fc8.weight")
		if err != nil {
			t.Fatal(err)
		}
		for i := range 2 {
			var exp [10]float64
			sum, positive := 0.0, 0
			for c := range exp {
				z := 0.0
				for j := range 256 {
					z += float64(w[c*256+j]) * 0.8 * float64(features[i*256+j]) // dropout 0.2 at test
				}
				exp[c] = math.Exp(z)
				sum += exp[c]
			}
			for _, f := range features[i*256 : (i+1)*256] {
				if f < 0 {
					t.Fatalf("feature %g: want the output behind ReLU", f)
				}
				if f > 0 {
					positive++
				}
			}
			if positive < 32 {
				t.Errorf("only %d features of 256 are positive", positive)
			}
			for c := range exp {
				if got, want := float64(o.Probs[i*10+c]), exp[c]/sum; math.Abs(got-want) > 1e-5 {
					t.Errorf("%d contexts, image %d, class %d: probability %g, from the features %g", contexts, i, c, got, want)
				}
			}
		}
	}
}

func TestFeaturesOfNoLayer(t *testing.T) {
	net, err := engine.Preset("alexnet-mini", 10)
	if err != nil {
		t.Fatal(err)
	}
	c, err := cpu.New("cpu", cpu.Options{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = engine.NewModel(net, []engine.Context{c}, engine.ModelConfig{Batch: 1, Inference: true, Tap: "fc9"})
	if err == nil || !strings.Contains(err.Error(), "there are conv1, conv2, conv3, conv4, conv5, fc6, fc7, fc8") {
		t.Errorf("error %v", err)
	}
	if _, _, err := openTapped(t, 1, "").Features(engine.Batch{}); err == nil {
		t.Error("features without a tap")
	}
}
