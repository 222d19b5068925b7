package caffe_test

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"alexnet/engine"
	"alexnet/engine/caffe"
	"alexnet/engine/cpu"
	"alexnet/engine/foreign"
)

// golden is the output of testdata/make.py: OpenCV's answers.
type golden struct {
	Pixels  []byte // N, H, W, RGB
	Colour  []float32
	Picture []float32
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// ask returns the probabilities of the file's net.
func ask(t *testing.T, w *foreign.Weights, mean []float32, g *golden) []float32 {
	t.Helper()
	size := w.Net.Input.Size
	images := len(g.Pixels) / (3 * size * size)
	c, err := cpu.New("cpu", cpu.Options{})
	if err != nil {
		t.Fatal(err)
	}
	m, err := engine.NewModel(w.Net, []engine.Context{c}, engine.ModelConfig{Batch: images, Mean: mean, Inference: true})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if err := w.Restore(m); err != nil {
		t.Fatal(err)
	}
	o, err := m.Infer(engine.Batch{Images: images, Pixels: g.Pixels, Labels: make([]int32, images)})
	if err != nil {
		t.Fatal(err)
	}
	return slices.Clone(o.Probs)
}

// TestAnswers compares both forms of a caffemodel with OpenCV: two groups over
// which normalisation crosses, pooling that rounds up, blue before red.
func TestAnswers(t *testing.T) {
	var g golden
	if err := json.Unmarshal(read(t, "golden.json"), &g); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"v1.caffemodel", "v2.caffemodel"} {
		b := read(t, name)
		if !caffe.Is(b) {
			t.Errorf("%s isn't known by its first bytes", name)
		}
		w, err := caffe.Read(b)
		if err != nil {
			t.Fatal(err)
		}
		if w.Net.Name != "Small" || w.Net.Towers != 2 || w.Net.Input.Size != 35 || len(w.Notes) != 0 {
			t.Errorf("%s: net %+v, notes %q", name, w.Net, w.Notes)
		}
		plane := w.Net.Input.Size * w.Net.Input.Size
		colour := slices.Concat(slices.Repeat([]float32{123}, plane), slices.Repeat([]float32{117}, plane), slices.Repeat([]float32{104}, plane))
		picture, err := caffe.ReadMean(read(t, "mean.binaryproto"), w.Net.Input.Size)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			what       string
			mean, want []float32
		}{{"colour", colour, g.Colour}, {"picture", picture, g.Picture}} {
			got := ask(t, w, c.mean, &g)
			for i := range c.want {
				if d := math.Abs(float64(got[i] - c.want[i])); !(d < 2e-6) {
					t.Errorf("%s, mean %s: probability %d is %g, OpenCV's %g", name, c.what, i, got[i], c.want[i])
				}
			}
		}
	}
}

func TestRefuses(t *testing.T) {
	b := read(t, "v2.caffemodel")
	for what, c := range map[string]struct{ old, new, want string }{
		"a kind":   {"Softmax", "Sigmoid", `layer "prob" (Sigmoid): this kind of layer cannot be imported`},
		"a branch": {"\x1a\x05norm1", "\x1a\x05conv1", "only chains of layers can be imported"},
		"no last":  {"InnerProduct", "BatchNorm\x00\x00\x00", "cannot be imported"},
	} {
		if !strings.Contains(string(b), c.old) {
			t.Fatalf("%s: %q isn't in the file", what, c.old)
		}
		_, err := caffe.Read([]byte(strings.Replace(string(b), c.old, c.new, 1)))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", what, err, c.want)
		}
	}
	for n := range 200 {
		if _, err := caffe.Read(b[:len(b)*n/200]); err == nil {
			t.Errorf("%d of %d bytes are read without an error", len(b)*n/200, len(b))
		}
	}
	if _, err := caffe.ReadMean(read(t, "mean.binaryproto"), 41); err == nil {
		t.Error("a mean picture that is too small is taken")
	}
	// 3 × 3000000001 × 928137136414033924 is 12 in 64 bits.
	var b2 []byte
	b2 = protowire.AppendBytes(protowire.AppendTag(b2, 7, protowire.BytesType), []byte{8, 12})
	b2 = protowire.AppendBytes(protowire.AppendTag(b2, 5, protowire.BytesType), make([]byte, 48))
	for field, v := range map[protowire.Number]uint64{2: 3, 3: 3000000001, 4: 928137136414033924} {
		b2 = protowire.AppendVarint(protowire.AppendTag(b2, field, protowire.VarintType), v)
	}
	if _, err := caffe.ReadMean(b2, 1); err == nil {
		t.Error("a mean picture whose size wraps round is taken")
	}
}

func FuzzRead(f *testing.F) {
	for _, name := range []string{"v1.caffemodel", "v2.caffemodel", "mean.binaryproto"} {
		b, err := os.ReadFile("testdata/" + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if w, err := caffe.Read(b); err == nil {
			if _, err := w.Net.Parameters(); err != nil {
				t.Errorf("a net that doesn't fit is taken: %v", err)
			}
		}
		caffe.ReadMean(b, 7)
	})
}

// BVLC's AlexNet is the paper's net on one GPU, on crops of 227 pixels.
func ExampleRead() {
	b, err := os.ReadFile("testdata/v1.caffemodel")
	if err != nil {
		fmt.Println(err)
		return
	}
	w, err := caffe.Read(b)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, l := range w.Net.Layers {
		fmt.Print(l.Kind(), " ")
	}
	// Output: conv1 relu lrn maxpool conv2 relu lrn avgpool fc3 relu dropout fc4
}
