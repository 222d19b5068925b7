package main

import (
	"encoding/binary"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"alexnet/engine"
)

// TestImportOfCaffe imports a caffemodel by its mean picture and by the mean colour
// of ILSVRC; the reader's own tests compare the answers with OpenCV's.
func TestImportOfCaffe(t *testing.T) {
	const model = "../../engine/caffe/testdata/v1.caffemodel"
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	call("train-alexnet", "import", "--weights", model, "--checkpoint", at("colour")).must(t, 0,
		"the mean 122.7, 116.7, 104 (red, green, blue) is subtracted, as such nets were trained", "a caffemodel, net Small, 5 classes")
	if c := open(t, at("colour")); c.PictureSize != 0 || c.Net.Towers != 2 || len(c.Mean) != 3*35*35 || c.Mean[0] != float32(122.6789) {
		t.Errorf("picture size %d, %d towers, a mean of %d values that begins with %g", c.PictureSize, c.Net.Towers, len(c.Mean), c.Mean[0])
	}
	r := call("train-alexnet", "import", "--weights", model, "--mean", "../../engine/caffe/testdata/mean.binaryproto", "--checkpoint", at("picture"))
	if r.must(t, 0); strings.Contains(r.stderr, "is subtracted") {
		t.Errorf("a mean is supposed though one is given: %s", r.stderr)
	}
	call("train-alexnet", "import", "--weights", model, "--mean", model, "--checkpoint", at("x")).must(t, 1, "--mean "+model+": a blob of shape")
	call("train-alexnet", "import", "--weights", model, "--mean", model, "--normalise", "half", "--checkpoint", at("x")).must(t, 2, "give one")
	call("train-alexnet", "import", "--weights", "import.go", "--checkpoint", at("x")).must(t, 1, "import.go: not a safetensors file")
}

// TestImportOfONNX imports a model in the zoo's form, and refuses our own.
func TestImportOfONNX(t *testing.T) {
	out := filepath.Join(t.TempDir(), "zoo")
	call("train-alexnet", "import", "--weights", "../../engine/onnx/testdata/zoo.onnx", "--checkpoint", out).must(t, 0,
		"the mean 122.7, 116.7, 104 (red, green, blue) is subtracted", "an ONNX model, net zoo, 5 classes")
	call("train-alexnet", "import", "--weights", "../../engine/onnx/testdata/modern.onnx", "--checkpoint", out+"2").must(t, 0,
		`the file has no "mean"`, "an ONNX model, net modern, 5 classes")
}

// TestImportOfTorchvision compares torchvision's AlexNet, saved by torch.save with
// random weights, with the answers of its checkpoint.
func TestImportOfTorchvision(t *testing.T) {
	python := peersPython(t)
	const n = 4
	pixels := cutPictures(t, realPictures(t, n), 224)
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	if err := os.WriteFile(at("pixels"), pixels, 0o666); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(python, "../../engine/torch/testdata/torchvision_net.py", at("pixels"), "4", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	call("train-alexnet", "import", "--weights", at("net.pth"), "--checkpoint", at("net.ckpt")).must(t, 0, "a PyTorch state dict, net alexnet-owt, 1000 classes")
	c := open(t, at("net.ckpt"))
	defer c.Close()
	m := newInference(t, c.Net, c.Mean)
	if err := c.Restore(m); err != nil {
		t.Fatal(err)
	}
	theirs, err := os.ReadFile(at("probabilities"))
	if err != nil || len(theirs) != 4*n*1000 {
		t.Fatal(err, len(theirs))
	}
	size := len(pixels) / n
	for i := range n {
		o, err := m.Infer(engine.Batch{Images: 1, Pixels: pixels[i*size : (i+1)*size], Labels: []int32{0}})
		if err != nil {
			t.Fatal(err)
		}
		largest := 0.0
		for j, got := range o.Probs {
			want := float64(math.Float32frombits(binary.LittleEndian.Uint32(theirs[4*(1000*i+j):])))
			largest = max(largest, want)
			if d := math.Abs(float64(got) - want); !(d < 1e-5) {
				t.Errorf("picture %d, class %d: %g, PyTorch %g", i, j, got, want)
			}
		}
		if largest < .01 {
			t.Errorf("picture %d: all probabilities are below %g: they compare nothing", i, largest)
		}
	}
}
