package onnx_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"alexnet/engine"
	"alexnet/engine/cpu"
	"alexnet/engine/onnx"
	"alexnet/internal/file"
)

// odd has what the presets don't: tanh, layers that read their own tower behind
// dense ones, a literal normalisation, padded average pooling,
// pooling that rounds up, locally connected layers, inverted dropout, one within maps of an
// even size, and no mean.
const odd = `{"name": "odd", "input": {"size": 15, "scale": 0.03}, "towers": 2, "classes": 4, "layers": [
  {"name": "c1", "conv": {"maps": 8, "kernel": 4, "stride": 1, "pad": 1, "std": 0.1}}, {"activate": "tanh"},
  {"lrn": {"size": 3, "k": 1, "alpha": 0.3, "beta": 0.5, "literal": true}},
  {"lrn": {"size": 4, "k": 1, "alpha": 0.2, "beta": 0.75, "within": true}},
  {"maxpool": {"kernel": 3, "stride": 2, "pad": 1}}, {"avgpool": {"kernel": 3, "stride": 1, "pad": 1}},
  {"maxpool": {"kernel": 2, "stride": 2, "pad": 0, "ceil": true}}, {"avgpool": {"kernel": 3, "stride": 3, "pad": 1, "ceil": true}},
  {"name": "l1", "local": {"maps": 6, "kernel": 3, "stride": 1, "pad": 1, "std": 0.1}}, {"activate": "tanh"},
  {"name": "l2", "local": {"maps": 4, "kernel": 2, "stride": 1, "pad": 1, "reads": "own", "std": 0.1}}, {"activate": "relu"},
  {"name": "d2", "dense": {"units": 12, "reads": "own", "std": 0.1}}, {"activate": "relu"},
  {"name": "d3", "dense": {"units": 6, "reads": "own", "std": 0.3}}, {"dropout": {"rate": 0.3, "inverted": true}},
  {"lrn": {"size": 5, "k": 2, "alpha": 0.1, "beta": 0.75}},
  {"name": "d4", "dense": {"units": 6, "std": 0.3}}, {"dropout": {"rate": 0.3}},
  {"name": "d5", "dense": {"std": 0.3}}]}`

func newModel(t *testing.T, net *engine.Net, mean []float32) *engine.Model {
	t.Helper()
	c, err := cpu.New("cpu", cpu.Options{})
	if err != nil {
		t.Fatal(err)
	}
	m, err := engine.NewModel(net, []engine.Context{c}, engine.ModelConfig{Batch: 3, Mean: mean, Inference: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	if err := m.Initialize(engine.InitHe, 5); err != nil {
		t.Fatal(err)
	}
	return m
}

// TestAgainstRuntime runs nets with random weights in ONNX Runtime. (The tool's
// tests do the same with trained weights and pictures.)
func TestAgainstRuntime(t *testing.T) {
	python := os.Getenv("PEERS_PYTHON")
	if python == "" {
		t.Skip("PEERS_PYTHON names no Python that has tools/bench/peers/requirements.txt")
	}
	for _, name := range []string{"odd", "alexnet-mini", "alexnet-145"} {
		t.Run(name, func(t *testing.T) {
			if name == "alexnet-145" && testing.Short() {
				t.Skip("a quarter of a gigabyte")
			}
			r := rand.New(rand.NewPCG(3, 4))
			net, err := engine.ReadNet(strings.NewReader(odd))
			var mean []float32
			if name != "odd" {
				net, err = engine.Preset(name, 10)
				net.Input.Scale = 1. / 64
				mean = make([]float32, 3*net.Input.Size*net.Input.Size)
				for i := range mean {
					mean[i] = 100 + 50*r.Float32()
				}
			}
			if err != nil {
				t.Fatal(err)
			}
			m := newModel(t, net, mean)
			classes := make([]string, net.Classes)
			for i := range classes {
				classes[i] = string(rune('a' + i))
			}
			pixels := make([]byte, 3*net.Input.Size*net.Input.Size*3)
			for i := range pixels {
				pixels[i] = byte(r.IntN(256))
			}
			o, err := m.Infer(engine.Batch{Images: 3, Pixels: pixels, Labels: make([]int32, 3)})
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			model, in, out := filepath.Join(dir, "net.onnx"), filepath.Join(dir, "pixels"), filepath.Join(dir, "probabilities")
			if err := os.WriteFile(in, pixels, 0o666); err != nil {
				t.Fatal(err)
			}
			if err := file.Write(model, func(w io.Writer) error { return onnx.Write(w, m, engine.Labels{IDs: classes}) }); err != nil {
				t.Fatal(err)
			}
			text, err := exec.Command(python, "testdata/run_onnx.py", model, in, "3", out).CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, text)
			}
			if !strings.Contains(string(text), `["a","b","c","d"`) {
				t.Errorf("classes: %s", text)
			}
			b, err := os.ReadFile(out)
			if err != nil || len(b) != 4*len(o.Probs) {
				t.Fatalf("%d bytes, %v", len(b), err)
			}
			worst := 0.0
			for i, want := range o.Probs {
				got := math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
				worst = max(worst, math.Abs(float64(got-want)))
			}
			if sure := slices.Max(o.Probs); sure > 0.99 {
				t.Errorf("a probability of %g says little about agreement", sure)
			}
			t.Logf("largest difference of %d probabilities: %.2g", len(o.Probs), worst)
			if !(worst < 1e-4) {
				t.Errorf("probabilities differ by %g", worst)
			}
		})
	}
}

func TestRefusesEvenNormalisation(t *testing.T) {
	net, err := engine.ReadNet(strings.NewReader(strings.Replace(odd, `"lrn": {"size": 3`, `"lrn": {"size": 4`, 1)))
	if err != nil {
		t.Fatal(err)
	}
	err = onnx.Write(io.Discard, newModel(t, net, nil), engine.Labels{})
	if err == nil || !strings.Contains(err.Error(), "layer 3 (lrn): a normalisation over an even number of maps (4)") {
		t.Errorf("error %v", err)
	}
}

// TestPassesWriteErrors cuts the file everywhere and wants the disk's error.
func TestPassesWriteErrors(t *testing.T) {
	net, err := engine.ReadNet(strings.NewReader(odd))
	if err != nil {
		t.Fatal(err)
	}
	m := newModel(t, net, nil)
	var whole bytes.Buffer
	if err := onnx.Write(&whole, m, engine.Labels{}); err != nil {
		t.Fatal(err)
	}
	for n := 0; n < whole.Len(); n += 97 {
		if err := onnx.Write(&full{left: n}, m, engine.Labels{}); !errors.Is(err, errFull) {
			t.Fatalf("disk full after %s bytes: %v", strconv.Itoa(n), err)
		}
	}
}

var errFull = errors.New("disk full")

type full struct{ left int }

func (f *full) Write(p []byte) (int, error) {
	if f.left -= len(p); f.left < 0 {
		return 0, errFull
	}
	return len(p), nil
}
