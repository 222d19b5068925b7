package main

import (
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"alexnet/engine/train/report"
	"alexnet/pipeline"
	"alexnet/pipeline/source"
)

// evil is a name that orders a terminal about, begins a line of its own, and is
// code for a page.
const evil = "\x1b]0;owned\a\x1b[2J\nFORGED: all is well\r\u009b31m\u202e<script>alert(1)'\""

// checkPrinted fails where what was printed lets a name act.
func checkPrinted(t *testing.T, what, text string) {
	t.Helper()
	if i := strings.IndexAny(text, "\x1b\a\r\x7f\u009b\u202e"); i >= 0 {
		t.Errorf("%s: a terminal acts on what is printed: %q", what, text[max(0, i-60):min(len(text), i+60)])
	}
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "FORGED") {
			t.Errorf("%s: a name made a line of its own: %q", what, text)
		}
	}
}

// TestEvilNames goes through the commands with names of folders, classes, files,
// layers and settings that no terminal and no page should act on.
func TestEvilNames(t *testing.T) {
	dir := t.TempDir()
	pictures := filepath.Join(dir, "pictures"+evil)
	name := evil
	for class := range 3 {
		folder := filepath.Join(pictures, fmt.Sprint(class)+name)
		if err := os.MkdirAll(folder, 0o777); err != nil {
			t.Fatal(err)
		}
		for i := range 4 {
			img := image.NewRGBA(image.Rect(0, 0, testSize, testSize))
			for at := range img.Pix {
				img.Pix[at] = byte(at*(class+1) + 7*i)
			}
			img.Set(0, 0, color.Black)
			f, err := os.Create(filepath.Join(folder, fmt.Sprint(i)+name+".png"))
			if err != nil {
				t.Fatal(err)
			}
			if err := png.Encode(f, img); err != nil {
				t.Fatal(err)
			}
			f.Close()
		}
	}
	w := world{dir: dir, train: filepath.Join(dir, "train"+name), val: filepath.Join(dir, "val"+name), net: filepath.Join(dir, name+".json")}
	for split, out := range map[string]string{"train": w.train, "val": w.val} {
		src, err := source.Open(t.Context(), pictures, source.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := pipeline.Shard(t.Context(), pipeline.ShardConfig{Out: out, Split: split, Codec: "raw", Size: testSize}, src, nil); err != nil {
			t.Fatal(err)
		}
		src.Close()
	}
	layer := strings.NewReplacer("\x1b", `\u001b`, "\a", `\u0007`, "\n", `\n`, "\r", `\r`, `"`, `\"`).Replace(name)
	text := strings.Replace(strings.ReplaceAll(testNet, `"name": "fc3"`, `"name": "`+layer+`"`), `"name": "test"`, `"name": "`+layer+`"`, 1)
	if err := os.WriteFile(w.net, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	run, bad := filepath.Join(dir, "run"+name), filepath.Join(dir, "bad"+name+".png")
	if err := os.WriteFile(bad, []byte("no picture"), 0o666); err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(dir, "config"+name+".json")
	if err := os.WriteFile(config, []byte(`{"`+layer+`": 1}`), 0o666); err != nil {
		t.Fatal(err)
	}
	best := filepath.Join(run, "checkpoints", "best.safetensors")
	one := func(args ...string) []string {
		return append([]string{"train-alexnet", args[0], "--checkpoint", best}, args[1:]...)
	}
	for _, c := range []struct {
		code int
		args []string
	}{
		{0, w.args(run, "--plan")},
		{0, w.args(run, "--epochs", "2")},
		{2, w.args(run, "--epochs", "2")},
		{0, []string{"train-alexnet", "--run", run, "--resume", "--epochs", "3"}},
		{2, []string{"train-alexnet", "--run", filepath.Join(dir, name), "--config", config}},
		{1, []string{"train-alexnet", "--run", filepath.Join(dir, name), "--config", filepath.Join(dir, name)}},
		{2, w.args(run, "--devices", name)},
		{2, w.args(run, "--net", name)},
		{0, []string{"train-alexnet", "runs", dir}},
		{0, []string{"train-alexnet", "report", "--run", run}},
		{1, []string{"train-alexnet", "report", "--run", filepath.Join(dir, name)}},
		{0, one("eval", "--data", w.val)},
		{1, one("eval", "--data", filepath.Join(dir, name))},
		{3, one("predict", "--size", "20", pictures, bad)},
		{3, one("predict", "--size", "20", filepath.Join(dir, name))},
		{0, one("features", "--size", "20", "--layer", name, "--out", filepath.Join(dir, name+".npy"), pictures)},
		{1, one("features", "--size", "20", "--layer", "none", "--out", filepath.Join(dir, name+".npy"), pictures)},
		{0, one("export", "--onnx", filepath.Join(dir, name+".onnx"))},
		{1, []string{"train-alexnet", "eval", "--checkpoint", bad, "--data", w.val}},
		{1, []string{"train-alexnet", "eval", "--checkpoint", filepath.Join(dir, name), "--data", w.val}},
		{1, []string{"train-alexnet", "import", "--safetensors", bad, "--checkpoint", filepath.Join(dir, "out.safetensors")}},
		{2, []string{"train-alexnet", name}},
	} {
		r := call(c.args...)
		if r.code != c.code {
			t.Errorf("%.80q: code %d, want %d\n%s", c.args, r.code, c.code, r.stderr)
		}
		checkPrinted(t, fmt.Sprintf("%.80q", c.args), r.stdout+r.stderr)
	}
	// JSON has the names as they are, and is printed so that it acts on no terminal.
	out, err := process(one("predict", "--size", "20", "--json", bad, pictures)[1:]...).Output()
	var answer struct{ Bad []struct{ File string } }
	if json.Unmarshal(out, &answer) != nil || len(answer.Bad) != 1 || answer.Bad[0].File != bad {
		t.Errorf("predict --json: %v, %q", err, out)
	}
	checkPrinted(t, "predict --json", string(out))
	if out, err = process("net", w.net).Output(); err != nil || !strings.Contains(string(out), "FORGED") {
		t.Errorf("net: %v, %q", err, out)
	}
	checkPrinted(t, "net", string(out))
	if page := read(t, filepath.Join(run, report.PageName)); strings.Contains(page, "<script>alert") || !strings.Contains(page, "&lt;script&gt;") {
		t.Error("report.html has a name as code, or not at all")
	}
}
