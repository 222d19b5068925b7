package onnx_test

import (
	"encoding/json"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"alexnet/engine"
	"alexnet/engine/cpu"
	"alexnet/engine/onnx"
)

func readTestdata(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestReadAnswers compares models in the forms that others write with ONNX
// Runtime, whose answers testdata/make_zoo.py has written.
func TestReadAnswers(t *testing.T) {
	var golden struct {
		Pixels      []byte // N, H, W, RGB
		Zoo, Modern []float32
	}
	if err := json.Unmarshal(readTestdata(t, "zoo.json"), &golden); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		towers int
		scores bool // the model's output is what softmax reads
		want   []float32
	}{{"zoo", 2, false, golden.Zoo}, {"modern", 1, true, golden.Modern}} {
		b := readTestdata(t, c.name+".onnx")
		if !onnx.Is(b) {
			t.Errorf("%s isn't known by its first bytes", c.name)
		}
		w, err := onnx.Read(b)
		if err != nil {
			t.Fatal(err)
		}
		if w.Net.Name != c.name || w.Net.Towers != c.towers || w.Net.Input.Size != 35 || w.BGR != (c.name == "zoo") {
			t.Errorf("net %+v, BGR %v", w.Net, w.BGR)
		}
		context, err := cpu.New("cpu", cpu.Options{})
		if err != nil {
			t.Fatal(err)
		}
		plane := w.Net.Input.Size * w.Net.Input.Size
		mean := slices.Concat(slices.Repeat([]float32{123}, plane), slices.Repeat([]float32{117}, plane), slices.Repeat([]float32{104}, plane))
		const images = 3
		m, err := engine.NewModel(w.Net, []engine.Context{context}, engine.ModelConfig{Batch: images, Mean: mean, Inference: true})
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		if err := w.Restore(m); err != nil {
			t.Fatal(err)
		}
		o, err := m.Infer(engine.Batch{Images: images, Pixels: golden.Pixels, Labels: make([]int32, images)})
		if err != nil {
			t.Fatal(err)
		}
		for i := range images {
			want := c.want[i*5 : i*5+5]
			if c.scores {
				want = softmax(want)
			}
			for j, v := range want {
				if got := o.Probs[i*5+j]; !(math.Abs(float64(got-v)) < 2e-6) {
					t.Errorf("%s: picture %d, class %d: %g, ONNX Runtime %g", c.name, i, j, got, v)
				}
			}
		}
	}
}

func softmax(x []float32) []float32 {
	var sum float64
	for _, v := range x {
		sum += math.Exp(float64(v))
	}
	y := make([]float32, len(x))
	for i, v := range x {
		y[i] = float32(math.Exp(float64(v)) / sum)
	}
	return y
}

func TestReadRefuses(t *testing.T) {
	b := readTestdata(t, "modern.onnx")
	for _, c := range []struct{ old, new, want string }{
		{"Tanh", "Sinh", `node "" (Sinh): this operator cannot be imported`},
		{"\x0a\x01d\x12\x01e", "\x0a\x01b\x12\x01e", "only chains can be imported"},
		{"\x0a\x06data_0\x0a\x03c1w", "\x0a\x06data_0\x0a\x03c9w", `"c9w" is no constant of the file`},
	} {
		if !strings.Contains(string(b), c.old) {
			t.Fatalf("%q isn't in the file", c.old)
		}
		if _, err := onnx.Read([]byte(strings.Replace(string(b), c.old, c.new, 1))); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want %q", err, c.want)
		}
	}
	for n := range 200 {
		if _, err := onnx.Read(b[:len(b)*n/200]); err == nil {
			t.Errorf("%d of %d bytes are read without an error", len(b)*n/200, len(b))
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(readTestdata(f, "zoo.onnx"))
	f.Add(readTestdata(f, "modern.onnx"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if w, err := onnx.Read(b); err == nil {
			if _, err := w.Net.Parameters(); err != nil {
				t.Errorf("a net that doesn't fit is taken: %v", err)
			}
		}
	})
}
