package main

import (
	"bytes"
	"encoding/json"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"alexnet/engine"
	"alexnet/engine/devices"
	"alexnet/engine/train"
)

// narrowKernels chooses a set that computes in bf16 on any machine.
func narrowKernels() string {
	if _, err := devices.ChosenKernels("cpu", devices.Options{Precision: "bf16"}); err != nil {
		return "portable"
	}
	return devices.Auto
}

// TestBF16 trains in bf16 on the CPU, stops and goes on bit for bit, and uses the
// checkpoint, which holds fp32, in both precisions, in every command.
func TestBF16(t *testing.T) {
	w := newWorld(t)
	kernels := narrowKernels()
	whole, cut := filepath.Join(w.dir, "whole"), filepath.Join(w.dir, "cut")
	call(w.args(whole, "--precision", "bf16", "--kernels", kernels, "--steps", "40")...).must(t, 0)
	call(w.args(cut, "--precision", "bf16", "--kernels", kernels, "--steps", "13")...).must(t, 0)
	call("train-alexnet", "--run", cut, "--resume", "--steps", "40").must(t, 0, "resuming")
	if final(t, cut) != final(t, whole) {
		t.Error("the weights after 40 steps differ from the uninterrupted run's")
	}
	checkpoint, err := engine.Checkpoints{Dir: filepath.Join(whole, train.CheckpointsName)}.Latest()
	if err != nil {
		t.Fatal(err)
	}
	of := func(precision string) (m struct {
		Images int
		Loss   float64
		Top1   float64 `json:"top1_error"`
	}) {
		r := call("train-alexnet", "eval", "--checkpoint", checkpoint, "--data", w.val, "--precision", precision, "--kernels", kernels, "--json")
		r.must(t, 0)
		if err := json.Unmarshal([]byte(r.stdout), &m); err != nil {
			t.Fatal(err)
		}
		return m
	}
	narrow, full := of("bf16"), of("fp32")
	// A few roundings of 2⁻⁹ in logits of a size of a few units.
	if narrow.Images != full.Images || narrow.Loss == full.Loss || narrow.Loss-full.Loss > .1 || full.Loss-narrow.Loss > .1 {
		t.Errorf("evaluated %+v in bf16 and %+v in fp32", narrow, full)
	}
	if full.Top1 > .5 {
		t.Errorf("the net errs in %g of 1", full.Top1)
	}
	var buf bytes.Buffer
	if err := png.Encode(&buf, image.NewGray(image.Rect(0, 0, 40, 30))); err != nil {
		t.Fatal(err)
	}
	picture := filepath.Join(w.dir, "grey.png")
	if err := os.WriteFile(picture, buf.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
	call("train-alexnet", "predict", "--checkpoint", checkpoint, "--precision", "bf16", "--kernels", kernels, picture).must(t, 0, "class")
	out := filepath.Join(w.dir, "features.npy")
	call("train-alexnet", "features", "--checkpoint", checkpoint, "--precision", "bf16", "--kernels", kernels, "--layer", "fc3", "--data", w.val, "--out", out).must(t, 0)
	r := call("train-alexnet", "bench", "--net", w.net, "--classes", "3", "--devices", "cpu", "--precision", "bf16", "--kernels", kernels, "--batch", "8", "--steps", "1", "--json")
	if r.must(t, 0); !strings.Contains(r.stdout, `"precision": "bf16"`) && !strings.Contains(r.stdout, `"precision":"bf16"`) {
		t.Errorf("bench printed %s", r.stdout)
	}
}
