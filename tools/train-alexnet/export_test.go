package main

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"alexnet/engine"
	"alexnet/engine/devices"
	"alexnet/engine/infer"
)

// peersPython is a Python that has tools/bench/peers/requirements.txt.
func peersPython(t *testing.T) string {
	t.Helper()
	python := os.Getenv("PEERS_PYTHON")
	if python == "" {
		t.Skip("PEERS_PYTHON names no Python that has tools/bench/peers/requirements.txt")
	}
	return python
}

// realPictures are a few photographs of the test data.
func realPictures(t *testing.T, n int) []string {
	t.Helper()
	root := os.Getenv("ALEXNET_DATA")
	if root == "" {
		root = "../../../shared/data"
	}
	all, err := filepath.Glob(filepath.Join(root, "imagenette-160/val/*/*.JPEG"))
	if err != nil || len(all) < n {
		t.Skip("no pictures in " + root + ": set ALEXNET_DATA")
	}
	var some []string
	for i := range n {
		some = append(some, all[i*len(all)/n])
	}
	return some
}

// exports compares a checkpoint's answers on pictures with those of ONNX Runtime
// and PyTorch, with those of the scripts that export writes, and with its own after
// the way to PyTorch and back. The module is the script's, or with own one that is
// built from the net.
func exports(t *testing.T, python, checkpoint string, pictures []string, own bool) {
	t.Helper()
	e, err := openModel(checkpoint, "cpu", devices.Options{}, len(pictures), "")
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	classes, crop := e.Classes(), e.Models()[0].Net.Input.Size
	squares := squaresOf(t, e.Size(), pictures)
	want, err := e.Probabilities(squares)
	if err != nil {
		t.Fatal(err)
	}
	if sure := slices.Max(slices.Concat(want...)); sure > 0.9999 {
		t.Errorf("a probability of %g says little about agreement", sure)
	}
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	pixels := cutPictures(t, pictures, crop)
	if err := os.WriteFile(at("pixels"), pixels, 0o666); err != nil {
		t.Fatal(err)
	}
	call("train-alexnet", "export", "--checkpoint", checkpoint, "--onnx", at("net.onnx"), "--safetensors", at("net.safetensors")).must(t, 0)
	n := fmt.Sprint(len(pictures))
	torchArgs := []string{"../../engine/torch/testdata/run_torch.py", at("net.safetensors"), at("pixels"), n, at("torch"), at("saved.safetensors")}
	if !own {
		torchArgs = append(torchArgs, at("net_torch.py"))
	}
	for name, args := range map[string][]string{
		"onnx":  {"../../engine/onnx/testdata/run_onnx.py", at("net.onnx"), at("pixels"), n, at("onnx")},
		"torch": torchArgs,
	} {
		if out, err := exec.Command(python, args...).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", name, err, out)
		}
		b, err := os.ReadFile(at(name))
		if err != nil || len(b) != 4*len(want)*len(classes) {
			t.Fatalf("%s: %d bytes, %v", name, len(b), err)
		}
		worst := 0.0
		for i := range len(b) / 4 {
			got := float64(math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:])))
			worst = max(worst, math.Abs(got-want[i/len(classes)][i%len(classes)]))
		}
		t.Logf("%s: largest difference of %d probabilities %.2g", name, len(b)/4, worst)
		if !(worst < 1e-4) {
			t.Errorf("%s differs by %g", name, worst)
		}
	}
	runScripts(t, python, []string{at("net_onnx.py"), at("net_torch.py")}, squares, e, want)
	// What Python saved has no metadata: the net and the classes are given.
	names := at("classes.txt")
	if err := os.WriteFile(names, []byte(strings.Join(classes, "\n")), 0o666); err != nil {
		t.Fatal(err)
	}
	net := at("net.json")
	if err := os.WriteFile(net, e.Models()[0].Net.JSON(), 0o666); err != nil {
		t.Fatal(err)
	}
	back := at("back.safetensors")
	call("train-alexnet", "import", "--safetensors", at("saved.safetensors"), "--net", net, "--classes", names, "--checkpoint", back).must(t, 0)
	e2, err := openModel(back, "cpu", devices.Options{}, len(pictures), "")
	if err != nil {
		t.Fatal(err)
	}
	defer e2.Close()
	got, err := e2.Probabilities(squares)
	if err != nil || !slices.Equal(classes, e2.Classes()) {
		t.Fatal(err, e2.Classes())
	}
	for i := range want {
		for c := range want[i] {
			if d := math.Abs(got[i][c] - want[i][c]); !(d < 1e-4) {
				t.Fatalf("picture %d, class %d: after import %g, before %g", i, c, got[i][c], want[i][c])
			}
		}
	}
}

// runScripts runs exported scripts as they are on squares, and compares what they print
// with the net's own answers. Squares as PNG files need no resizing, so only rounding
// to a tenth of a percent lies between.
func runScripts(t *testing.T, python string, scripts []string, squares [][]byte, e *infer.Ensemble, want [][]float64) {
	t.Helper()
	dir := t.TempDir()
	var files []string
	for i, square := range squares {
		data, err := encode(square, e.Size())
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, filepath.Join(dir, fmt.Sprint(i, ".png")))
		if err := os.WriteFile(files[i], data, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	for _, script := range scripts {
		c := exec.Command(python, append([]string{script}, files...)...)
		c.Dir = dir // not where the model lies
		out, err := c.CombinedOutput()
		lines := strings.Split(strings.TrimSpace(string(out)), "\n")
		top := min(5, len(e.Classes()))
		if err != nil || len(lines) != len(files)*(1+top) {
			t.Fatalf("%s: %v\n%s", script, err, out)
		}
		for i, line := range lines {
			if i%(1+top) == 0 {
				if line != files[i/(1+top)] {
					t.Errorf("%s: line %d is %q", script, i, line)
				}
				continue
			}
			var percent float64
			var class string
			if _, err := fmt.Sscanf(line, "%f %% %s", &percent, &class); err != nil {
				t.Fatalf("%s: %q: %v", script, line, err)
			}
			if p := want[i/(1+top)][slices.Index(e.Classes(), class)]; math.Abs(percent-100*p) > 0.07 {
				t.Errorf("%s: %s %.1f %%, the net says %.3f %%", script, class, percent, 100*p)
			}
		}
	}
}

// TestExportPresets exports every kind of net with random weights, large enough
// that each layer matters, and compares answers on photographs.
func TestExportPresets(t *testing.T) {
	python := peersPython(t)
	for _, c := range []struct {
		net string
		own bool
	}{{"alexnet-mini", true}, {"cifar-13pct", true}, {"cifar-11pct", false}, {"cifar-18pct", true}, {"alexnet", false}, {"alexnet-145", false}} {
		t.Run(c.net, func(t *testing.T) {
			if testing.Short() && strings.HasPrefix(c.net, "alexnet") && c.net != "alexnet-mini" {
				t.Skip("a quarter of a gigabyte")
			}
			net, err := engine.Preset(c.net, 10)
			if err != nil {
				t.Fatal(err)
			}
			net.Input.Scale = 1. / 64
			mean := make([]float32, 3*net.Input.Size*net.Input.Size)
			r := rand.New(rand.NewPCG(1, 1))
			for i := range mean {
				mean[i] = 90 + 60*r.Float32()
			}
			contexts, err := devices.Open("cpu", devices.Options{})
			if err != nil {
				t.Fatal(err)
			}
			m, err := engine.NewModel(net, contexts, engine.ModelConfig{Batch: 1, Mean: mean, Inference: true})
			if err != nil {
				t.Fatal(err)
			}
			if err := m.Initialize(engine.InitHe, 5); err != nil {
				t.Fatal(err)
			}
			checkpoint := filepath.Join(t.TempDir(), "checkpoint.safetensors")
			state := &engine.Checkpoint{Net: net, Mean: mean, Classes: strings.Fields("a b c d e f g h i j")}
			if err := engine.WriteCheckpoint(checkpoint, m, state); err != nil {
				t.Fatal(err)
			}
			if err := m.Close(); err != nil {
				t.Fatal(err)
			}
			exports(t, python, checkpoint, realPictures(t, 4), c.own)
		})
	}
}

// TestExportCheckpoint does the same for a checkpoint of one's own, such as
// that of make demo.
func TestExportCheckpoint(t *testing.T) {
	python := peersPython(t)
	checkpoint := os.Getenv("EXPORT_CHECKPOINT")
	if checkpoint == "" {
		t.Skip("EXPORT_CHECKPOINT names no checkpoint")
	}
	exports(t, python, checkpoint, realPictures(t, 8), false)
}

func exportBadUsage(t *testing.T, w trained) {
	out := filepath.Join(w.dir, "out")
	exists := filepath.Join(w.dir, "exists")
	if err := os.WriteFile(exists, []byte("PK"), 0o666); err != nil {
		t.Fatal(err)
	}
	exported := filepath.Join(w.dir, "exported.safetensors")
	for range 2 { // an older script is replaced
		call("train-alexnet", "export", "--checkpoint", w.checkpoint, "--safetensors", exported).must(t, 0, "wrote", "exported_torch.py")
	}
	if text := read(t, filepath.Join(w.dir, "exported_torch.py")); !strings.Contains(text, "nn.Conv2d(8, 8, 3, 1, 1, groups=2)") || !strings.Contains(text, "SIZE, CROP = 20, 16 ") {
		t.Errorf("script\n%s", text)
	}
	if err := os.WriteFile(filepath.Join(w.dir, "taken_onnx.py"), []byte("print(1)\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	four := filepath.Join(w.dir, "four.txt")
	if err := os.WriteFile(four, []byte("a\nb\nc\nd\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		code int
		want string
		args string
	}{
		{2, "--checkpoint is required", "export --onnx " + out},
		{2, "export works with one net, and --checkpoint was given 2 times", "export --checkpoint " + w.checkpoint + " --checkpoint " + w.checkpoint + " --onnx " + out},
		{2, "report works with one net", "report --run " + filepath.Dir(filepath.Dir(w.checkpoint)) + " --checkpoint a --checkpoint b"},
		{2, "isn't a script of train-alexnet export", "export --checkpoint " + w.checkpoint + " --onnx " + filepath.Join(w.dir, "taken.onnx")},
		{2, "nothing to write", "export --checkpoint " + w.checkpoint},
		{1, "there is no checkpoint missing: give the folder of a run", "export --checkpoint missing --onnx " + out},
		{2, "--onnx", "export --checkpoint " + w.checkpoint + " --onnx " + filepath.Join(exists, "x")},
		{2, "--weights and --checkpoint are required", "import --checkpoint " + out},
		{2, "exists exists", "import --safetensors " + exported + " --checkpoint " + exists},
		{1, "not a valid zip file", "import --safetensors " + exists + " --checkpoint " + out},
		{1, "checkpoint of train-alexnet already", "import --safetensors " + w.checkpoint + " --checkpoint " + out},
		{1, "net \"alexnet\"", "import --safetensors " + exported + " --net alexnet --checkpoint " + out},
		{1, "has 4 classes, the net 3 outputs", "import --safetensors " + exported + " --classes " + four + " --checkpoint " + out},
		{0, "wrote", "import --safetensors " + exported + " --data " + w.val + " --checkpoint " + out},
	} {
		r := call(append([]string{"train-alexnet"}, strings.Fields(c.args)...)...)
		if r.code != c.code || !strings.Contains(r.stderr, c.want) {
			t.Errorf("%s: code %d, %s want %d and %q", c.args, r.code, r.stderr, c.code, c.want)
		}
	}
	before := w.predict(t, 0, w.pictures)
	w.checkpoint = out
	after := w.predict(t, 0, "--size", "20", w.pictures) // PyTorch's file doesn't say
	for i, p := range before.Pictures {
		if d := p.Guesses[0].Probability - after.Pictures[i].Guesses[0].Probability; math.Abs(d) > 1e-5 {
			t.Errorf("%s: %v before, %v after export and import", p.File, p.Guesses[0], after.Pictures[i].Guesses[0])
		}
	}
}
