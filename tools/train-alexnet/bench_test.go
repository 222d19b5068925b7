package main

import (
	"encoding/json"
	"testing"

	"alexnet/engine/cpu"
	"alexnet/engine/train/bench"
)

// TestBenchFromData measures everything on a small net.
func TestBenchFromData(t *testing.T) {
	w := newWorld(t)
	args := []string{"train-alexnet", "bench", "--net", w.net, "--classes", "3", "--batch", "6", "--steps", "4", "--data", w.train, "--peak", "0.1", "--bandwidth", "10"}
	r := call(append(args, "--json")...)
	r.must(t, 0)
	var b bench.Result
	if err := json.Unmarshal([]byte(r.stdout), &b); err != nil {
		t.Fatal(err)
	}
	if b.Train <= 0 || b.Infer <= 0 || b.LoaderImages <= 0 || b.FromData <= 0 || b.FromMemory <= 0 || b.Roofline <= 0 || len(b.Layers) == 0 {
		t.Errorf("measured %s", r.stdout)
	}
	call(args...).must(t, 0, "from data  ", "roofline   ")
	call("train-alexnet", "bench", "--net", w.net, "--classes", "3", "--batch", "61", "--steps", "1", "--data", w.train).must(t, 1, "has 60 pictures: give a --batch of at most as many")
}

// TestBenchBounds measures the bandwidth beside the peak and names what bounds each
// layer: an update reads and writes much, and multiplies little.
func TestBenchBounds(t *testing.T) {
	if kernels, err := cpu.ChosenKernels("", "fp32"); err != nil || kernels == "portable" {
		t.Skip("the portable kernels have no peak")
	}
	args := []string{"train-alexnet", "bench", "--net", "alexnet-mini", "--classes", "10", "--batch", "4", "--steps", "1", "--devices", "cpu"}
	out := call(append(args, "--json")...)
	out.must(t, 0)
	var r bench.Result
	if err := json.Unmarshal([]byte(out.stdout), &r); err != nil {
		t.Fatal(err)
	}
	if r.Bandwidth < 0.1 || r.Bandwidth > 10000 || r.Roofline <= 0 {
		t.Errorf("bandwidth %v GB/s, roofline %v images/s", r.Bandwidth, r.Roofline)
	}
	for _, l := range r.Layers {
		if l.Bound <= 0 || l.By != "memory" && l.By != "products" || l.By == "products" && l.GFLOPS == 0 {
			t.Errorf("%s: bound %v ms by %q with %v GFLOP/s", l.Layer, l.Bound, l.By, l.GFLOPS)
		}
	}
	call(args...).must(t, 0, "memory moves", "bound ms")
}

// TestBenchInference measures in the memory of inference: no gradients, no momentum.
func TestBenchInference(t *testing.T) {
	measure := func(args ...string) (r bench.Result) {
		t.Helper()
		out := call(append([]string{"train-alexnet", "bench", "--net", "alexnet-mini", "--classes", "10", "--batch", "4", "--steps", "1", "--no-layers", "--devices", "cpu", "--json"}, args...)...)
		out.must(t, 0)
		if err := json.Unmarshal([]byte(out.stdout), &r); err != nil {
			t.Fatal(err)
		}
		return r
	}
	trains, infers := measure(), measure("--inference")
	if infers.Train != 0 || infers.Infer <= 0 || infers.MemoryMiB >= trains.MemoryMiB {
		t.Errorf("inference alone: %+v; with training: %+v", infers, trains)
	}
	call("train-alexnet", "bench", "--inference", "--data", "x").must(t, 2, "--inference measures no training")
}
