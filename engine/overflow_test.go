package engine

import (
	"fmt"
	"math"
	"strings"
	"testing"
)

// TestNetsThatOverflow: sizes beyond any memory, and numbers that float32 doesn't
// have, are refused by the layer that they are in.
func TestNetsThatOverflow(t *testing.T) {
	const net = `{"name": "n", "input": {"size": 32}, "towers": 1, "classes": 10, "layers": [
	  {"name": "c1", "conv": {"maps": 8, "kernel": 3, "stride": 1, "pad": 1, "std": 0.1}},
	  {"lrn": {"size": 5, "k": 2, "alpha": 0.0001, "beta": 0.75}},
	  {"name": "d2", "dense": {"units": 16, "std": 0.1}},
	  {"name": "d3", "dense": {"std": 0.1}}]}`
	if _, err := ReadNet(strings.NewReader(net)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ old, new, want string }{
		{`"maps": 8`, `"maps": 20000000`, "layer 1 (c1), which reads 3×32×32: what leaves it would have more than 2147483647 values"},
		{`"maps": 8`, `"maps": 9223372036854775807`, "layer 1 (c1), which reads 3×32×32: the weights"},
		{`"kernel": 3`, `"kernel": 4611686018427387904`, "layer 1 (c1)"},
		{`"units": 16`, `"units": 262145`, "layer 3 (d2), which reads 8×32×32: the weights"},
		{`"units": 16`, `"units": 4611686018427387904`, "layer 3 (d2)"},
		{`"classes": 10`, `"classes": 4611686018427387904`, "layer 4 (d3)"},
		{`"size": 32`, `"size": 40000`, "input size 40000, want 1 to 8192 pixels"},
		{`"size": 32`, `"size": 4611686018427387904`, "input size 4611686018427387904"},
		{`"size": 5`, `"size": 4611686018427387904`, "layer 2 (lrn)"},
		{`"k": 2`, `"k": 1e39`, "layer 2 (lrn)"},
		{`"beta": 0.75`, `"beta": -1e39`, "layer 2 (lrn)"},
		{`"units": 16, "std": 0.1`, `"units": 16, "std": 1e39`, "weights begin with std 1e+39"},
		{`"pad": 1, "std": 0.1`, `"pad": 1, "std": -1`, "weights begin with std -1"},
		{`"units": 16, "std": 0.1`, `"units": 16, "std": 0.1, "bias": -1e39`, "bias -1e+39"},
	} {
		if _, err := ReadNet(strings.NewReader(strings.Replace(net, c.old, c.new, 1))); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q in it", c.new, err, c.want)
		}
	}
	for _, name := range PresetNames() {
		if _, err := Preset(name, 21841); err != nil {
			t.Errorf("%s for all of ImageNet's classes: %v", name, err)
		}
	}
}

// TestPlansThatOverflow: no batch makes sizes overflow.
func TestPlansThatOverflow(t *testing.T) {
	net, err := Preset("alexnet", 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, batch := range []int{1 << 22, 1 << 40, math.MaxInt / 2, math.MaxInt} {
		_, err := layOut(net, make([]Context, 1), ModelConfig{Batch: batch})
		if want := fmt.Sprintf("a batch of %d images of net \"alexnet\" doesn't fit any memory", batch); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("batch %d: error %v", batch, err)
		}
	}
}

// A mean softmax that has underflowed to 0 has a loss that JSON knows.
func TestUnderflowHasALoss(t *testing.T) {
	a := newAverager(2, 2)
	for range 2 {
		a.add([]float32{1, 0}, 1)
	}
	loss, rank := a.outcome(1)
	if rank != 1 || math.Abs(loss-103.28) > 0.01 { // −ln 2⁻¹⁴⁹
		t.Errorf("loss %g, rank %d", loss, rank)
	}
}
