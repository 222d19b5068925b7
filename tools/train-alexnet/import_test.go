package main

import (
	"encoding/binary"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"alexnet/augment"
	"alexnet/engine"
	"alexnet/engine/devices"
	"alexnet/engine/infer"
	"alexnet/engine/torch"
	"alexnet/internal/file"
)

// weights are all values of a checkpoint, by their tensors' names.
func weights(t *testing.T, path string) map[string][]float32 {
	t.Helper()
	c := open(t, path)
	defer c.Close()
	contexts, err := openDevices("cpu", devices.Options{})
	if err != nil {
		t.Fatal(err)
	}
	m, err := engine.NewModel(c.Net, contexts, engine.ModelConfig{Batch: 1, Mean: c.Mean, Inference: true})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if err := c.Restore(m); err != nil {
		t.Fatal(err)
	}
	all := map[string][]float32{"mean": c.Mean}
	for _, p := range m.Parameters() {
		if all[p.Name], err = m.Read(engine.Weight, p.Name); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// TestImportOfWrappedNets imports what PyTorch saves of a net that was wrapped, or
// is of another type, and compares it with the plain net's, bit for bit; and the
// answers of a net that reads normalised pictures with PyTorch's.
func TestImportOfWrappedNets(t *testing.T) {
	python := peersPython(t)
	pictures := realPictures(t, 4)
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	net, err := engine.Preset("alexnet-mini", 10)
	if err != nil {
		t.Fatal(err)
	}
	mean := make([]float32, 3*net.Input.Size*net.Input.Size)
	for i := range mean {
		mean[i] = 90 + float32(i%60)
	}
	m := newInference(t, net, mean)
	if err := m.Initialize(engine.InitHe, 5); err != nil {
		t.Fatal(err)
	}
	if err := file.Replace(at("net.safetensors"), func(f *os.File) error {
		return torch.Write(f, m, engine.Labels{IDs: strings.Fields("a b c d e f g h i j")})
	}); err != nil {
		t.Fatal(err)
	}
	pixels := cutPictures(t, pictures, net.Input.Size)
	if err := os.WriteFile(at("pixels"), pixels, 0o666); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(python, "../../engine/torch/testdata/wrapped.py", at("net.safetensors"), at("pixels"), "4", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	call("train-alexnet", "import", "--safetensors", at("net.safetensors"), "--checkpoint", at("plain.ckpt")).must(t, 0)
	plain := weights(t, at("plain.ckpt"))
	for _, c := range []struct {
		name string
		says []string
	}{
		{"module", []string{`"module." is left out of the names`}},
		{"compile", []string{`"_orig_mod." is left out of the names`}},
		{"both", []string{`"module." is left out`, `"_orig_mod." is left out`}},
		{"parts", []string{`"module." is left out`, `"_orig_mod." is left out`}},
		{"averaged", []string{`"module." is left out`, `"n_averaged" is left out`}},
		{"attribute", []string{`"model." is left out`}},
		{"half", []string{"17 of 17 tensors are F16: float32 holds them exactly"}},
		{"bfloat16", []string{"17 of 17 tensors are BF16: float32 holds them exactly"}},
		{"double", []string{"17 of 17 tensors are F64: they are rounded to float32"}},
	} {
		out := at(c.name + ".ckpt")
		call("train-alexnet", "import", "--safetensors", at(c.name+".safetensors"), "--net", "alexnet-mini", "--checkpoint", out).must(t, 0, c.says...)
		want := plain
		if _, err := os.Stat(at(c.name + ".plain.safetensors")); err == nil {
			call("train-alexnet", "import", "--safetensors", at(c.name+".plain.safetensors"), "--net", "alexnet-mini", "--checkpoint", at(c.name+".plain.ckpt")).must(t, 0)
			want = weights(t, at(c.name+".plain.ckpt"))
		}
		got := weights(t, out)
		for name := range want {
			if len(got[name]) == 0 || !slices.Equal(got[name], want[name]) {
				t.Errorf("%s: %s differs from the plain net's", c.name, name)
			}
		}
	}
	normalised := at("normalised.ckpt")
	call("train-alexnet", "import", "--safetensors", at("nomean.safetensors"), "--net", "alexnet-mini", "--normalise", "imagenet", "--checkpoint", normalised).must(t, 0)
	e, err := openModel(normalised, "cpu", devices.Options{}, 4, "")
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	o, err := e.Models()[0].Infer(engine.Batch{Images: 4, Pixels: pixels, Labels: make([]int32, 4)})
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := os.ReadFile(at("normalised"))
	if err != nil || len(theirs) != 4*4*len(e.Classes()) {
		t.Fatal(err, len(theirs))
	}
	for i := range len(theirs) / 4 {
		want := math.Float32frombits(binary.LittleEndian.Uint32(theirs[4*i:]))
		if d := o.Probs[i] - want; !(d < 1e-4 && d > -1e-4) {
			t.Errorf("normalised: probability %d is %g, PyTorch's %g", i, o.Probs[i], want)
		}
	}
}

// newInference makes a model on the CPU.
func newInference(t *testing.T, net *engine.Net, mean []float32) *engine.Model {
	t.Helper()
	contexts, err := openDevices("cpu", devices.Options{})
	if err != nil {
		t.Fatal(err)
	}
	m, err := engine.NewModel(net, contexts, engine.ModelConfig{Batch: 1, Mean: mean, Inference: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

// squaresOf are pictures as squares of size pixels a side.
func squaresOf(t *testing.T, size int, pictures []string) (squares [][]byte) {
	t.Helper()
	r, err := infer.NewReader(size, 0, 2)
	if err != nil {
		t.Fatal(err)
	}
	err = r.Groups(t.Context(), pictures, len(pictures), func(g infer.Group) error {
		if g.Bad != nil {
			t.Fatal(g.Bad)
		}
		squares = g.Squares
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return squares
}

// cutPictures are the centres of pictures as a net of an input size sees them.
func cutPictures(t *testing.T, pictures []string, crop int) (pixels []byte) {
	t.Helper()
	size := (crop*8 + 6) / 7
	view := augment.CentreView(size, crop)
	for _, s := range squaresOf(t, size, pictures) {
		cut := make([]byte, 3*crop*crop)
		augment.CopyCrop(cut, s, size, view.X, view.Y, crop, false)
		pixels = append(pixels, cut...)
	}
	return pixels
}

// importWithoutMean: what is taken of a file without a mean is said.
func importWithoutMean(t *testing.T, w trained) {
	exported, nomean := filepath.Join(w.dir, "exported-mean.safetensors"), filepath.Join(w.dir, "nomean.safetensors")
	call("train-alexnet", "export", "--checkpoint", w.checkpoint, "--safetensors", exported).must(t, 0)
	without(t, exported, nomean, "mean")
	out := func(name string) string { return filepath.Join(w.dir, name) }
	call("train-alexnet", "import", "--safetensors", nomean, "--checkpoint", out("none")).must(t, 0,
		`the file has no "mean", so it is taken that the net reads colours from 0 to 255 with nothing subtracted: --normalise says otherwise`)
	for form, want := range map[string][]float32{"none": nil, "imagenet": {123.675, 116.28, 103.53}, "1,2,3": {1, 2, 3}} {
		path := out("mean-" + form)
		r := call("train-alexnet", "import", "--safetensors", nomean, "--normalise", form, "--checkpoint", path)
		r.must(t, 0)
		if strings.Contains(r.stderr, "it is taken") {
			t.Errorf("%s: %s", form, r.stderr)
		}
		c := open(t, path)
		var colour []float32
		for i := 0; i < len(c.Mean); i += 16 * 16 {
			colour = append(colour, c.Mean[i])
		}
		if !slices.Equal(colour, want) {
			t.Errorf("%s: mean %v, want %v", form, colour, want)
		}
	}
	call("train-alexnet", "import", "--safetensors", nomean, "--normalise", "x", "--checkpoint", out("x")).must(t, 2, "--normalise x: want imagenet, half, R,G,B")
	call("train-alexnet", "import", "--safetensors", exported, "--normalise", "half", "--checkpoint", out("x")).must(t, 2, `the file has its own "mean"`)
}

// without copies a safetensors file but for one tensor.
func without(t *testing.T, from, to, name string) {
	t.Helper()
	f, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	s, err := engine.OpenSafetensors(f, info.Size())
	if err != nil {
		t.Fatal(err)
	}
	rest := slices.DeleteFunc(slices.Clone(s.Tensors), func(t engine.StoredTensor) bool { return t.Name == name })
	if err := file.Replace(to, func(f *os.File) error { return engine.WriteSafetensors(f, s.Metadata, rest, s.ReadFloat32) }); err != nil {
		t.Fatal(err)
	}
}
