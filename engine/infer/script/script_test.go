package script

import (
	"bytes"
	"encoding/binary"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"alexnet/engine"
	"alexnet/engine/devices"
	"alexnet/engine/torch"
	"alexnet/internal/file"
)

// TestUsingPage: docs/using.md prints the module that export writes for alexnet.
func TestUsingPage(t *testing.T) {
	net, err := engine.Preset("alexnet", 1000)
	if err != nil {
		t.Fatal(err)
	}
	module, err := Module(net)
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../../../docs/using.md")
	if err != nil {
		t.Fatal(err)
	}
	want := "```python\nimport torch\nfrom torch import nn\n\n" + module + "```\n"
	before, rest, ok := strings.Cut(string(page), "```python\nimport torch\n")
	if _, after, end := strings.Cut(rest, "```\n"); ok && end && os.Getenv("UPDATE_DOCS") != "" {
		if err := os.WriteFile("../../../docs/using.md", []byte(before+want+after), 0o666); err != nil {
			t.Fatal(err)
		}
		return
	}
	if !strings.Contains(string(page), want) {
		t.Errorf("docs/using.md is stale: UPDATE_DOCS=1 go test ./engine/infer/script")
	}
}

// TestNamesAreLiterals: no name of a net or a file becomes code.
func TestNamesAreLiterals(t *testing.T) {
	net, err := engine.Preset("alexnet-mini", 3)
	if err != nil {
		t.Fatal(err)
	}
	net.Name = "x\nimport os; os.abort()"
	s := Subject{Net: net, Weights: "a\"); os.abort(); (\"\n\u2028ü.onnx", Size: 72}
	for _, write := range []func(*bytes.Buffer) error{
		func(b *bytes.Buffer) error { return ONNX(b, s) },
		func(b *bytes.Buffer) error { return Torch(b, s) },
	} {
		var b bytes.Buffer
		if err := write(&b); err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{`# Net "x\nimport os; os.abort()", 3 classes`, `"a\"); os.abort(); (\"\n\u2028ü.onnx")`, "SIZE, CROP = 72, 64"} {
			if !strings.Contains(b.String(), want) {
				t.Errorf("no %q in\n%.900s", want, b.String())
			}
		}
	}
}

// TestNoCoding: a net's name says nothing of the encoding in which Python reads the rest
// of the script (PEP 263: it looks at the first two lines).
func TestNoCoding(t *testing.T) {
	net, err := engine.Preset("alexnet-mini", 3)
	if err != nil {
		t.Fatal(err)
	}
	net.Name = "coding: utf_7"
	for name, write := range map[string]func(io.Writer, Subject) error{"ONNX": ONNX, "Torch": Torch} {
		var b bytes.Buffer
		if err := write(&b, Subject{Net: net, Weights: "coding: utf_7.onnx", Size: 72}); err != nil {
			t.Fatal(err)
		}
		for i, line := range strings.SplitN(b.String(), "\n", 3)[:2] {
			if strings.Contains(line, "coding") {
				t.Errorf("%s: line %d of the script names an encoding: %s", name, i+1, line)
			}
		}
		if !strings.Contains(b.String(), net.Name) {
			t.Errorf("%s: the script doesn't name its net", name)
		}
	}
}

// every is a net with every kind of layer that a module may have.
const every = `{"name": "every", "input": {"size": 24, "scale": 0.03}, "towers": 2, "classes": 4, "layers": [
  {"name": "c1", "conv": {"maps": 8, "kernel": 5, "stride": 1, "pad": 2, "std": 0.1}}, {"activate": "relu"},
  {"lrn": {"size": 5, "k": 2, "alpha": 0.1, "beta": 0.75}},
  {"maxpool": {"kernel": 3, "stride": 2, "pad": 0, "ceil": true}},
  {"name": "c2", "conv": {"maps": 8, "kernel": 3, "stride": 1, "pad": 1, "reads": "own", "std": 0.2}}, {"activate": "tanh"},
  {"lrn": {"size": 3, "k": 1, "alpha": 0.2, "beta": 0.5, "within": true}},
  {"lrn": {"size": 4, "k": 1, "alpha": 0.2, "beta": 0.75, "across": true, "literal": true}},
  {"avgpool": {"kernel": 3, "stride": 2, "pad": 1}},
  {"name": "l3", "local": {"maps": 6, "kernel": 3, "stride": 1, "pad": 0, "reads": "own", "std": 0.2}}, {"activate": "relu"},
  {"dropout": {"rate": 0.25}},
  {"name": "d4", "dense": {"units": 8, "reads": "own", "std": 0.2}}, {"activate": "relu"},
  {"name": "d5", "dense": {"std": 0.2}}]}`

// TestModuleComputesTheNet: the module of a net with every kind of layer gives the
// engine's probabilities.
func TestModuleComputesTheNet(t *testing.T) {
	net, err := engine.ReadNet(strings.NewReader(every))
	if err != nil {
		t.Fatal(err)
	}
	module, err := Module(net)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"TowerNorm(5, 0.1, 0.75, 2)", "WithinNorm(3, 0.2, 0.5, 1)", "nn.LocalResponseNorm(4, 0.8, 0.75, 1)", "ceil_mode=True", "Local(2, 8, 4, 6, 3, 1, 0)", "nn.Dropout(0.25),\n            TowerLinear(6, 4, 8, 2)"} {
		if !strings.Contains(module, want) {
			t.Errorf("no %s in\n%s", want, module)
		}
	}
	python := os.Getenv("PEERS_PYTHON")
	if python == "" {
		t.Skip("PEERS_PYTHON names no Python that has tools/bench/peers/requirements.txt")
	}
	contexts, err := devices.Open("cpu", devices.Options{})
	if err != nil {
		t.Fatal(err)
	}
	const images, side = 3, 24
	m, err := engine.NewModel(net, contexts, engine.ModelConfig{Batch: images, Mean: slices.Repeat([]float32{99}, 3*side*side), Inference: true})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if err := m.Initialize(engine.InitPaper, 5); err != nil {
		t.Fatal(err)
	}
	pixels := make([]byte, images*side*side*3)
	for i := range pixels {
		pixels[i] = byte(i * i / 7)
	}
	want, err := m.Infer(engine.Batch{Images: images, Pixels: pixels, Labels: make([]int32, images)})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, write := range map[string]func(io.Writer) error{
		"every.safetensors": func(w io.Writer) error { return torch.Write(w, m, engine.Labels{IDs: strings.Fields("a b c d")}) },
		"every_torch.py": func(w io.Writer) error {
			return Torch(w, Subject{Net: net, Weights: "every.safetensors", Size: 28})
		},
		"pixels": func(w io.Writer) error { _, err := w.Write(pixels); return err },
	} {
		if err := file.Write(filepath.Join(dir, name), write); err != nil {
			t.Fatal(err)
		}
	}
	c := exec.Command(python, "-c", `import numpy, every_torch
every_torch.probabilities(numpy.fromfile("pixels", numpy.uint8).reshape(-1, 24, 24, 3)).astype("<f4").tofile("probabilities")`)
	c.Dir = dir
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	text, err := os.ReadFile(filepath.Join(dir, "probabilities"))
	if err != nil || len(text) != 4*len(want.Probs) {
		t.Fatal(err, len(text))
	}
	for i, p := range want.Probs {
		if got := math.Float32frombits(binary.LittleEndian.Uint32(text[4*i:])); !(math.Abs(float64(got-p)) < 1e-5) {
			t.Errorf("probability %d: %g, want %g", i, got, p)
		}
	}
	if slices.Max(want.Probs) > 0.99 {
		t.Errorf("probabilities %v say little", want.Probs)
	}
}
