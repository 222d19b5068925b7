package main

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"alexnet/engine"
	"alexnet/engine/train"
)

// rates are the learning rates in metrics.jsonl.
func rates(t *testing.T, dir string) (r []float64) {
	for _, m := range metricsOf(t, dir) {
		if m.Split == "train" {
			r = append(r, m.Rate)
		}
	}
	return r
}

func TestConfigFile(t *testing.T) {
	w := newWorld(t)
	for name, text := range map[string]string{
		"recipe.yaml": `# a recipe
train: %s
val: %s
net: %s
batch: 6
lr: 1e-2
max-time: 10m
steps: 3
without: [lrn, dropout]
log-every: 1
`,
		"recipe.toml": `# a recipe
train = "%s"
val = "%s"
net = "%s"
batch = 6
lr = 1e-2
max-time = "10m"
steps = 3
without = ["lrn", "dropout"]
log-every = 1
`,
	} {
		config := filepath.Join(w.dir, name)
		if err := os.WriteFile(config, fmt.Appendf(nil, text, w.train, w.val, w.net), 0o666); err != nil {
			t.Fatal(err)
		}
		one, two := filepath.Join(w.dir, name+"-one"), filepath.Join(w.dir, name+"-two")
		call("train-alexnet", "--config", config, "--run", one, "--lr", "0.5", "--seed", "5").must(t, 0, "after 3 steps")
		if got, want := rates(t, one), []float64{0.5, 0.5, 0.5}; !slices.Equal(got, want) {
			t.Errorf("%s: rates %v, want %v: flags win over the file", name, got, want)
		}
		record, err := train.ReadRecord(one)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(record.Settings), `"max-time": "10m0s"`) || record.Net.Name != "test-no-lrn-no-dropout" {
			t.Errorf("%s: net %s, settings %s", name, record.Net.Name, record.Settings)
		}
		// The record of a run is a recipe: the same weights come out.
		call("train-alexnet", "--config", filepath.Join(one, train.RecordName), "--run", two).must(t, 0, "after 3 steps")
		const weights = "checkpoints/step-000000003.safetensors"
		if read(t, filepath.Join(one, weights)) != read(t, filepath.Join(two, weights)) {
			t.Errorf("%s: run.json fed back made other weights", name)
		}
		call("train-alexnet", "--config", filepath.Join(one, train.RecordName)).must(t, 2, "already holds a run")
	}
}

// TestChangesFile: a recipe file's changes are a list in YAML, TOML and JSON, the plan
// prints them, and the run makes them.
func TestChangesFile(t *testing.T) {
	w := newWorld(t) // ten steps an epoch
	head := fmt.Sprintf("train: %q\nval: %q\nnet: %q\nbatch: 6\nlr: 0.02\nepochs: 3\nlog-every: 10\nschedule: constant\n", w.train, w.val, w.net)
	for name, text := range map[string]string{
		"changes.yaml": head + "changes:\n  - after: 1\n    lr: 1e-2\n    layer-rates: {conv1: 0.1}\n  - {after: 2, lr: 0.002, freeze: [conv1, conv2], noise: off}\n",
		"changes.toml": fmt.Sprintf("train = %q\nval = %q\nnet = %q\nbatch = 6\nlr = 0.02\nepochs = 3\nlog-every = 10\nschedule = \"constant\"\n", w.train, w.val, w.net) +
			"[[changes]]\nafter = 1\nlr = 1e-2\nlayer-rates = {conv1 = 0.1}\n[[changes]]\nafter = 2\nlr = 0.002\nfreeze = [\"conv1\", \"conv2\"]\nnoise = \"off\"\n",
	} {
		file, dir := w.writeFile(t, name, text), filepath.Join(w.dir, name+"-run")
		call("train-alexnet", "--recipe", file, "--dry-run").must(t, 0,
			"learning rate: constant, 0.02 in the first step, 0.002 in the last", "after 1 epoch: lr 0.01, layer-rates conv1=0.1\n", "after 2 epochs: lr 0.002, freeze conv1,conv2, noise off\n")
		call("train-alexnet", "--recipe", file, "--run", dir).must(t, 0, "from epoch 2: lr 0.01", "after 30 steps")
		if got, want := rates(t, dir), []float64{0.02, 0.01, 0.002}; !slices.Equal(got, want) {
			t.Errorf("%s: rates %v, want %v", name, got, want)
		}
		call("train-alexnet", "--run", dir, "--resume", "--epochs", "4").must(t, 0, "after 40 steps")
		if got := rates(t, dir); got[3] != 0.002 {
			t.Errorf("%s: the run went on at %g", name, got[3])
		}
		call("train-alexnet", "--config", filepath.Join(dir, train.RecordName), "--run", dir+"-2", "--steps", "11").must(t, 0, "after 11 steps")
	}
	call(w.args("", "--dry-run", "--changes", `[{"after": 1, "net": "alexnet"}]`)...).must(t, 2, `--changes: number 1, after 1 epoch: `, `"net" can't change`)
	call(w.args("", "--dry-run", "--changes", `{"after": 1}`)...).must(t, 2, "changes")
	call(w.args("", "--dry-run", "--layer-rates", "conv1")...).must(t, 2, "--layer-rates conv1: want layers with factors")
}

func TestBadConfigFile(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		name, text, want string
		code             int
	}{
		{"recipe.yaml", "learning-rate: 1", `no setting is called "learning-rate"`, 2},
		{"recipe.yaml", "resume: true", `no setting is called "resume"`, 2},
		{"recipe.yaml", "lr: high", "recipe.yaml: lr: ", 2},
		{"recipe.yaml", "lr: {a: 1}", "recipe.yaml: lr: is a table", 2},
		{"recipe.yaml", "lr: [", "recipe.yaml", 1},
		{"recipe.yaml", "- 1", "recipe.yaml", 1},
		{"recipe.yaml", "lr: 0.1\nlr: 0.2", "recipe.yaml", 1},
		{"recipe.yaml", "lr: 0.1\n---\nlr: 0.2", "recipe.yaml: holds 2 documents, divided by ---: give one", 1},
		{"recipe.json", `{"lr": 0.1, "lr": 0.2}`, "recipe.json: lr is there twice: leave one of the two", 1},
		{"recipe.toml", "learning-rate = 1", `no setting is called "learning-rate"`, 2},
		{"recipe.toml", "lr = \"high\"", "recipe.toml: lr: ", 2},
		{"recipe.toml", "[lr]\na = 1", "recipe.toml: lr: is a table", 2},
		{"recipe.toml", "lr = 1\nlr = 2", "At line 2", 1},
		{"recipe.toml", "lr: 1", "recipe.toml: ", 1},
	} {
		config := filepath.Join(w.dir, c.name)
		if err := os.WriteFile(config, []byte(c.text), 0o666); err != nil {
			t.Fatal(err)
		}
		call("train-alexnet", "--config", config, "--run", filepath.Join(w.dir, "run")).must(t, c.code, c.want)
	}
	call("train-alexnet", "--config", filepath.Join(w.dir, "none")).must(t, 1, "no such file")
	call("train-alexnet", "--config", w.dir).must(t, 1, "--config: ", "is a folder")
	for _, c := range []struct {
		text string
		code int
		want string
	}{{"lr: [", 1, "--recipe: " + w.dir}, {"lrr: 1", 2, `no setting is called "lrr"`}} {
		recipe := w.writeFile(t, "recipe.yaml", c.text)
		call("train-alexnet", "--train", w.train, "--run", filepath.Join(w.dir, "run"), "--recipe", recipe).must(t, c.code, "--recipe: ", c.want)
	}
}

// Texts may begin with a byte order mark, as some editors write them, and values
// say what they are.
func TestConfigTexts(t *testing.T) {
	w := newWorld(t)
	const mark = "\ufeff"
	net, recipe := w.writeFile(t, "marked-net.json", mark+testNet), fmt.Sprintf("train: %s\nnet: %s\nbatch: 6\nsteps: 1\n", w.train, filepath.Join(w.dir, "marked-net.json"))
	for i, text := range []struct{ name, text string }{
		{"marked.yaml", mark + recipe},
		{"marked.json", mark + fmt.Sprintf(`{"train": %q, "net": %q, "batch": 6, "steps": 1}`, w.train, net)},
		{"marked.toml", mark + fmt.Sprintf("train = %q\nnet = %q\nbatch = 6\nsteps = 1\n", w.train, net)},
		{"quoted.yaml", recipe + "seed: '010'"},
	} {
		dir := filepath.Join(w.dir, fmt.Sprint(i))
		call("train-alexnet", "--config", w.writeFile(t, text.name, text.text), "--run", dir).must(t, 0, "after 1 step")
	}
	if record, err := train.ReadRecord(filepath.Join(w.dir, "3")); err != nil || !strings.Contains(string(record.Settings), `"seed": 10`) {
		t.Errorf("seed '010' is not ten: %v", err)
	}
	for text, want := range map[string]string{
		"seed: 010":             "line 5: 010 may be eight or ten in YAML: write it without the leading zero",
		"seed: -007":            "-007 may be",
		"deterministic: yes":    `deterministic: "yes" isn't true or false`,
		"deterministic: on":     `deterministic: "on" isn't true or false`,
		"epochs:":               "epochs: has no value: give a whole number, or leave the line out",
		"epochs: ~":             "epochs: has no value",
		"warmup: -1":            `warmup: "-1" isn't a whole number from 0 on`,
		"epochs: 1.5":           `epochs: "1.5" isn't a whole number`,
		"max-time: 10":          `max-time: "10" isn't a time such as 90s, 10m or 8h`,
		"lr: high":              `lr: "high" isn't a number`,
		"drop-at: [01, 2]":      "01 may be",
		"seed: 0":               "",
		"log-every: 0o10":       "",
		"drop-at: \"\"  # none": "",
	} {
		code := 2
		if strings.Contains(want, "may be") {
			code = 1
		} else if want == "" {
			code = 0
		}
		call("train-alexnet", "--config", w.writeFile(t, "bad.yaml", recipe+text), "--dry-run").must(t, code, want)
	}
	call(w.args(filepath.Join(w.dir, "x"), "--steps", "-1")...).must(t, 2, `--steps "-1": want a whole number from 0 on`)
}

func TestSchedules(t *testing.T) {
	w := newWorld(t) // ten steps an epoch
	for _, c := range []struct {
		name  string
		flags []string
		want  []float64 // at steps 1, 10, 11, 20, 21, 30
	}{
		{"step", []string{"--schedule", "step", "--drop-at", "1,2"}, []float64{.1, .1, .01, .01, .001, .001}},
		{"constant", []string{"--schedule", "constant"}, []float64{.1, .1, .1, .1, .1, .1}},
		{"cosine", []string{"--schedule", "cosine"}, []float64{.1, .0794, .075, .0296, .025, .000274}},
	} {
		dir := filepath.Join(w.dir, c.name)
		call(w.args(dir, append(c.flags, "--lr", "0.1", "--warmup", "0", "--steps", "30", "--log-every", "1", "--val", "")...)...).must(t, 0)
		got := rates(t, dir)
		for i, step := range []int{1, 10, 11, 20, 21, 30} {
			if r := got[step-1]; r < 0.99*c.want[i] || r > 1.01*c.want[i] {
				t.Errorf("%s: step %d has rate %g, want %g", c.name, step, r, c.want[i])
			}
		}
	}
	call(w.args(filepath.Join(w.dir, "x"), "--schedule", "step")...).must(t, 2, "--drop-at")
	call(w.args(filepath.Join(w.dir, "x"), "--schedule", "step", "--drop-at", "2,1")...).must(t, 2, "ascending")
	call(w.args(filepath.Join(w.dir, "x"), "--schedule", "step", "--drop-at", "two")...).must(t, 2, "--drop-at two")
}

// A batch in pieces gives the step of the whole batch, but for rounding.
func TestAccumulate(t *testing.T) {
	w := newWorld(t)
	const name = "checkpoints/step-000000004.safetensors"
	weights := map[string][]float32{}
	for _, pieces := range []string{"1", "3"} {
		dir := filepath.Join(w.dir, pieces)
		call(w.args(dir, "--steps", "4", "--accumulate", pieces)...).must(t, 0, "after 4 steps")
		f, err := os.Open(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		info, err := f.Stat()
		if err != nil {
			t.Fatal(err)
		}
		tensors, err := engine.OpenSafetensors(f, info.Size())
		if err != nil {
			t.Fatal(err)
		}
		if weights[pieces], err = tensors.ReadFloat32("conv1.weight"); err != nil {
			t.Fatal(err)
		}
	}
	for i, v := range weights["1"] {
		if d := math.Abs(float64(v - weights["3"][i])); d > 1e-5 {
			t.Fatalf("conv1.weight[%d]: %g in one piece, %g in three", i, v, weights["3"][i])
		}
	}
	call("train-alexnet", "--run", filepath.Join(w.dir, "3"), "--resume", "--steps", "6").must(t, 0, "after 6 steps")
	record, err := train.ReadRecord(filepath.Join(w.dir, "3"))
	if err != nil || !strings.Contains(string(record.Settings), `"accumulate": 3`) {
		t.Errorf("a resumed run forgets its pieces: %v, %s", err, record.Settings)
	}
	call(w.args(filepath.Join(w.dir, "x"), "--accumulate", "4")...).must(t, 2, "--accumulate 4: doesn't divide --batch 6")
	call(w.args(filepath.Join(w.dir, "x"), "--accumulate", "0")...).must(t, 2, "--accumulate 0: want at least 1")
}

// With smoothed labels the loss has a floor that depends on the part.
func TestLabelSmoothing(t *testing.T) {
	w := newWorld(t)
	losses := map[string]float64{}
	for _, part := range []string{"0", "0.3"} {
		dir := filepath.Join(w.dir, part)
		call(w.args(dir, "--label-smoothing", part)...).must(t, 0)
		for _, m := range metricsOf(t, dir) {
			losses[m.Split+part] = m.Loss
		}
	}
	// Targets of 0.8, 0.1, 0.1 have an entropy of 0.639.
	if losses["train0"] > 0.5 || losses["train0.3"] < 0.639 {
		t.Errorf("last losses %v: want the training loss above 0.639 with smoothing, and below 0.5 without", losses)
	}
	for _, part := range []string{"1", "-0.1"} {
		call(w.args(filepath.Join(w.dir, "x"), "--label-smoothing", part)...).must(t, 2, "--label-smoothing "+part)
	}
}

func TestEarlyStop(t *testing.T) {
	w := newWorld(t)
	call(w.args(filepath.Join(w.dir, "run"), "--lr", "1e-12", "--early-stop", "2")...).must(t, 0, "has stopped falling after 30 steps")
	call(w.args(filepath.Join(w.dir, "x"), "--val", "", "--early-stop", "2")...).must(t, 2, "--early-stop 2 needs --val")
}

func TestFineTune(t *testing.T) {
	w := newWorld(t)
	first, tuned := filepath.Join(w.dir, "first"), filepath.Join(w.dir, "tuned")
	call(w.args(first, "--steps", "5")...).must(t, 0)
	four := filepath.Join(w.dir, "four")
	makeShards(t, four, "train", 4, 10)
	from := filepath.Join(first, "checkpoints/step-000000005.safetensors")
	args := []string{"train-alexnet", "--train", four, "--run", tuned, "--from", from, "--freeze", "conv1,conv2", "--batch", "6", "--steps", "4", "--schedule", "plateau"} // whose rates don't depend on --steps
	call(args...).must(t, 0, "after 4 steps")
	a, b := open(t, from), open(t, filepath.Join(tuned, "checkpoints/step-000000004.safetensors"))
	if b.Net.Classes != 4 || len(b.Classes) != 4 || !slices.Equal(a.Mean, b.Mean) {
		t.Errorf("fine-tuned for %d classes %v", b.Net.Classes, b.Classes)
	}
	call("train-alexnet", "--run", tuned, "--resume", "--steps", "6").must(t, 0, "after 6 steps")
	// Frozen layers have no velocity, neither in the file nor where it is loaded.
	whole := filepath.Join(w.dir, "whole")
	call(append(slices.Clone(args), "--run", whole, "--steps", "6")...).must(t, 0, "after 6 steps")
	const last = "checkpoints/step-000000006.safetensors"
	if read(t, filepath.Join(tuned, last)) != read(t, filepath.Join(whole, last)) {
		t.Error("a resumed run with frozen layers has other weights than one that never stopped")
	}
	f, err := os.Open(filepath.Join(whole, last))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	stored, err := engine.OpenSafetensors(f, info.Size())
	if err != nil {
		t.Fatal(err)
	}
	for name, moves := range map[string]bool{"conv1.weight.momentum": false, "conv2.bias.momentum": false, "fc3.weight.momentum": true} {
		values, err := stored.ReadFinite(name)
		if err != nil {
			t.Fatal(err)
		}
		if got := slices.ContainsFunc(values, func(v float32) bool { return v != 0 }); got != moves {
			t.Errorf("%s moves: %v", name, got)
		}
	}
	call(append(slices.Clone(args[:5]), "--from", from, "--net", "alexnet", "--batch", "6", "--run", filepath.Join(w.dir, "x"))...).must(t, 2, "--from: no layer of net alexnet can begin with the weights of ", "begun anew would be conv1 (conv1.weight is [8 3 5 5] there and [96 3 11 11] here)")
	call(append(slices.Clone(args), "--run", filepath.Join(w.dir, "y"), "--freeze", "conv7")...).must(t, 2, "conv1, conv2, fc3, fc4")
}

// TestInsertLayer: a net with one more convolution begins with the convolutions of
// another, as run 146 did, and says what it keeps.
func TestInsertLayer(t *testing.T) {
	w := newWorld(t)
	first := filepath.Join(w.dir, "first")
	call(w.args(first, "--steps", "5")...).must(t, 0)
	from := filepath.Join(first, "checkpoints/step-000000005.safetensors")
	more := w.writeFile(t, "more.json", strings.Replace(testNet, `    {"name": "fc3"`, `    {"name": "conv2b", "conv": {"maps": 8, "kernel": 3, "stride": 1, "pad": 1, "std": 0.05}},
    {"activate": "relu"},
    {"name": "fc3"`, 1))
	less := w.writeFile(t, "less.json", strings.Replace(testNet, `    {"name": "conv2", "conv": {"maps": 8, "kernel": 3, "stride": 1, "pad": 1, "reads": "own", "std": 0.05}},
    {"activate": "relu"},
`, "", 1))
	for _, c := range []struct {
		net, layers, want string
		kept, fresh       []string
	}{
		{more, "conv", "kept conv1 and conv2; begun anew conv2b (new), fc3 and fc4; left out none", []string{"conv1.weight", "conv2.bias"}, []string{"fc3.weight"}},
		{more, "", "kept conv1, conv2 and fc3; begun anew conv2b (new) and fc4 (the last layer); left out none", []string{"conv1.weight", "fc3.weight"}, []string{"fc4.weight"}},
		{more, "conv2", "kept conv2; begun anew conv1, conv2b, fc3 and fc4; left out none", []string{"conv2.weight"}, []string{"conv1.weight"}},
		{less, "all", "kept conv1 and fc3; begun anew fc4 (the last layer); left out conv2", []string{"conv1.weight"}, []string{"fc4.weight"}},
		{"", "conv", "kept conv1 and conv2; begun anew fc3 and fc4; left out none", []string{"conv2.weight"}, []string{"fc3.weight"}},
	} {
		dir := filepath.Join(t.TempDir(), "run")
		args := []string{"train-alexnet", "--train", w.train, "--run", dir, "--from", from, "--batch", "6", "--steps", "1", "--lr", "1e-30", "--init", "he", "--seed", "9"}
		if c.net != "" {
			args = append(args, "--net", c.net)
		}
		if c.layers != "" {
			args = append(args, "--from-layers", c.layers)
		}
		call(args...).must(t, 0, c.want, "after 1 step")
		last := filepath.Join(dir, "checkpoints/step-000000001.safetensors")
		for i, names := range [][]string{c.kept, c.fresh} {
			for _, name := range names {
				if same := slices.Equal(tensorOf(t, from, name), tensorOf(t, last, name)); same != (i == 0) {
					t.Errorf("--net %s --from-layers %q: %s is the checkpoint's: %v", c.net, c.layers, name, same)
				}
			}
		}
		call("train-alexnet", "--run", dir, "--resume", "--steps", "2").must(t, 0, "after 2 steps")
		call("train-alexnet", "--run", dir, "--resume", "--steps", "3", "--from-layers", "fc3").must(t, 2, "--from-layers fc3: the run was begun with")
	}
	// The checkpoint's weights were trained on pixels of another scale than the net says.
	scaled := w.writeFile(t, "scaled.json", strings.Replace(testNet, `"scale": 0.02`, `"scale": 0.5`, 1))
	dir := filepath.Join(w.dir, "scaled")
	call(append(w.args(dir, "--steps", "1"), "--net", scaled, "--from", from)...).must(t, 0, "note: from "+from+": --input-scale 0.02 too")
	if c, err := engine.OpenCheckpoint(filepath.Join(dir, "checkpoints/step-000000001.safetensors")); err != nil || c.Net.Input.Scale != 0.02 {
		t.Errorf("the net of a run whose weights come from another scale: %+v, %v", c, err)
	} else if err := c.Close(); err != nil {
		t.Error(err)
	}
	args := w.args(filepath.Join(w.dir, "x"), "--steps", "1")
	call(append(args, "--from-layers", "conv")...).must(t, 2, "--from-layers conv needs --from FILE")
	call(append(args, "--from", from, "--from-layers", "conv7")...).must(t, 2, `no layer with weights called "conv7"`, "or give all or conv")
}

// tensorOf reads one array of a checkpoint.
func tensorOf(t *testing.T, path, name string) []float32 {
	t.Helper()
	f, err := os.Open(path)
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
	values, err := s.ReadFinite(name)
	if err != nil {
		t.Fatal(err)
	}
	return values
}

func open(t *testing.T, path string) *engine.CheckpointFile {
	t.Helper()
	c, err := engine.OpenCheckpoint(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func TestDryRun(t *testing.T) {
	w := newWorld(t)
	dir := filepath.Join(w.dir, "run")
	call(w.args(dir, "--dry-run", "--without", "towers,lrn")...).must(t, 0, "net test-no-towers-no-lrn: 3 classes, 1 tower", "conv1    4×8×8", "10 steps of 6 an epoch, 80 steps in all", "MiB")
	if _, err := os.Stat(dir); err == nil {
		t.Error("a dry run made the folder")
	}
	call(w.args(dir, "--without", "wheels")...).must(t, 2, "--without wheels: want lrn, overlap, crosstalk, towers, middle, dropout, relu, pca, crops, decay")
}

// A preset that is printed is the net that --net takes by its name.
func TestNetIsPrinted(t *testing.T) {
	w := newWorld(t)
	r := call("train-alexnet", "net", "alexnet-mini", "--classes", "7", "--without", "lrn")
	r.must(t, 0, `"name": "alexnet-mini-no-lrn"`, `"classes": 7`)
	path := w.writeFile(t, "printed.json", r.stdout)
	again := call("train-alexnet", "net", path)
	if again.must(t, 0); again.stdout != r.stdout {
		t.Errorf("printed again:\n%s", again.stdout)
	}
	call("train-alexnet", "net", path, "--shapes").must(t, 0, "net alexnet-mini-no-lrn: 7 classes, 2 towers", "fc7")
	call("train-alexnet", "net").must(t, 0, "alexnet-mini  --size 74")
	call("train-alexnet", "net", "alexnet", "alexnet-mini").must(t, 2, "give one net: alexnet, ")
	call("train-alexnet", "net", "lenet").must(t, 2, `NET: no net called "lenet"`)
	call("train-alexnet", "net", filepath.Join(w.dir, "missing.json")).must(t, 1, "no such file")
	call("train-alexnet", "net", "cifar-13pct", "--without", "crosstalk").must(t, 2, "--without")
}

func TestRunFolderIsLocked(t *testing.T) {
	w := newWorld(t)
	dir := filepath.Join(w.dir, "run")
	p := process(w.args(dir, "--epochs", "1000000", "--log-every", "1")[1:]...)
	stderr, err := p.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := stderr.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	for began := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		if _, err := train.ReadRecord(dir); err == nil {
			break
		}
		if time.Since(began) > time.Minute {
			t.Fatal("the run doesn't begin")
		}
	}
	call("train-alexnet", "--run", dir, "--resume").must(t, 1, "in use by process", "another --run")
	p.Process.Kill()
	p.Wait()
	call("train-alexnet", "--run", dir, "--resume", "--epochs", "1", "--steps", "1").must(t, 0)
}
