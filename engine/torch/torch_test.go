package torch_test

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"alexnet/engine"
	"alexnet/engine/cpu"
	"alexnet/engine/torch"
	"alexnet/internal/file"
)

func newModel(t *testing.T, net *engine.Net, mean []float32) *engine.Model {
	t.Helper()
	c, err := cpu.New("cpu", cpu.Options{})
	if err != nil {
		t.Fatal(err)
	}
	m, err := engine.NewModel(net, []engine.Context{c}, engine.ModelConfig{Batch: 2, Mean: mean, Inference: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	if err := m.Initialize(engine.InitHe, 5); err != nil {
		t.Fatal(err)
	}
	return m
}

func mini(t *testing.T, scale float32) *engine.Net {
	t.Helper()
	net, err := engine.Preset("alexnet-mini", 3)
	if err != nil {
		t.Fatal(err)
	}
	net.Input.Scale = scale
	return net
}

// TestThereAndBack: what is written gives, read back, the same answers, with
// scale and dropout folded into the weights.
func TestThereAndBack(t *testing.T) {
	net := mini(t, 1./64)
	mean := slices.Repeat([]float32{120, 110, 100}, 64*64)
	m := newModel(t, net, mean)
	path := filepath.Join(t.TempDir(), "mini.safetensors")
	if err := file.Write(path, func(w io.Writer) error {
		return torch.Write(w, m, engine.Labels{IDs: []string{"a", "b", "c"}, Names: []string{"an a", "", "a c"}})
	}); err != nil {
		t.Fatal(err)
	}
	f, err := torch.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if f.Units != 3 || !slices.Equal(f.Classes, []string{"a", "b", "c"}) || !slices.Equal(f.Names, []string{"an a", "", "a c"}) || !slices.Equal(f.Mean, mean) || f.Net.Input.Scale != 0 {
		t.Errorf("read %d units, classes %v, net %+v", f.Units, f.Classes, f.Net)
	}
	back := newModel(t, f.Net, f.Mean)
	if err := f.Restore(back); err != nil {
		t.Fatal(err)
	}
	for name, factor := range map[string]float32{"conv1.weight": 1. / 64, "conv1.bias": 1, "conv2.weight": 1, "fc6.weight": 1, "fc7.weight": 0.8, "fc8.weight": 0.8, "fc8.bias": 1} {
		was, err := m.Read(engine.Weight, name)
		if err != nil {
			t.Fatal(err)
		}
		is, err := back.Read(engine.Weight, name)
		if err != nil {
			t.Fatal(err)
		}
		for i := range was {
			if is[i] != was[i]*factor {
				t.Fatalf("%s[%d] is %g, want %g·%g", name, i, is[i], was[i], factor)
			}
		}
	}
	b := engine.Batch{Images: 2, Pixels: make([]byte, 2*64*64*3), Labels: []int32{0, 1}}
	for i := range b.Pixels {
		b.Pixels[i] = byte(i * i >> 3)
	}
	want, err := m.Infer(b)
	if err != nil {
		t.Fatal(err)
	}
	got, err := back.Infer(b)
	if err != nil {
		t.Fatal(err)
	}
	for i := range want.Probs {
		if d := got.Probs[i] - want.Probs[i]; d > 1e-5 || d < -1e-5 {
			t.Errorf("probability %d is %g, was %g", i, got.Probs[i], want.Probs[i])
		}
	}
	if err := f.Restore(newModel(t, torch.Plain(withClasses(t, 4)), nil)); err == nil || !strings.Contains(err.Error(), "classifier.6.weight is [3 256], and [4 256] in net") {
		t.Errorf("another number of classes: %v", err)
	}
}

func withClasses(t *testing.T, n int) *engine.Net {
	t.Helper()
	net, err := engine.Preset("alexnet-mini", n)
	if err != nil {
		t.Fatal(err)
	}
	return net
}

func TestOpenExplains(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, metadata map[string]string, tensor string, shape ...int) string {
		path := filepath.Join(dir, name)
		err := file.Write(path, func(w io.Writer) error {
			return engine.WriteSafetensors(w, metadata, []engine.StoredTensor{{Name: tensor, Shape: shape}}, func(string) ([]float32, error) {
				return make([]float32, engine.StoredTensor{Shape: shape}.Len()), nil
			})
		})
		if err != nil {
			t.Fatal(err)
		}
		return path
	}
	pickle, empty := filepath.Join(dir, "net.pt"), filepath.Join(dir, "empty")
	for path, text := range map[string]string{pickle: "PK\x03\x04 and so on", empty: ""} {
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	for path, want := range map[string]string{
		pickle: "safetensors.torch.save_file",
		empty:  "too short",
		write("other", nil, "layer1.weight", 2, 2):                                           "not a state dict of this architecture",
		write("ours", map[string]string{"format_version": "1"}, "conv1.weight", 2, 2):        "checkpoint of train-alexnet already",
		write("classes", map[string]string{"classes": "["}, "features.0.weight", 2, 2, 2, 2): `metadata "classes"`,
		write("net", map[string]string{"net": "{}"}, "features.0.weight", 2, 2, 2, 2):        `metadata "net"`,
		filepath.Join(dir, "missing"):                                                        "no such file",
	} {
		if _, err := torch.Open(path); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
			t.Errorf("error %v, want one with %q that names %s", err, want, path)
		}
	}
}

func TestRefusesWhatCannotBeFolded(t *testing.T) {
	net, err := engine.ReadNet(strings.NewReader(`{"name": "odd", "input": {"size": 8}, "towers": 1, "classes": 2, "layers": [
	  {"name": "c1", "conv": {"maps": 4, "kernel": 3, "stride": 1, "pad": 1, "std": 0.1}}, {"dropout": {"rate": 0.5}}, {"activate": "tanh"},
	  {"name": "d2", "dense": {"std": 0.1}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	err = torch.Write(io.Discard, newModel(t, net, nil), engine.Labels{})
	if err == nil || !strings.Contains(err.Error(), "layer 3 (tanh) lies between") {
		t.Errorf("error %v", err)
	}
}

// The form of a net that PyTorch's modules compute.
func ExamplePlain() {
	net, err := engine.Preset("alexnet-145", 1000)
	if err != nil {
		fmt.Println(err)
		return
	}
	net.Input.Scale = 1 / 1.1
	plain := torch.Plain(net)
	fmt.Println(net.Input.Scale, net.Layers[len(net.Layers)-2].Dropout.Inverted)
	fmt.Println(plain.Input.Scale, plain.Layers[len(plain.Layers)-2].Dropout.Inverted)
	// Output:
	// 0.90909094 false
	// 0 true
}
