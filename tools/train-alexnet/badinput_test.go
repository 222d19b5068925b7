package main

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"alexnet/engine/train"
	"alexnet/pipeline/shards/shardstest"
	"alexnet/tools/internal/command"
)

// writeFile makes a file in the world's folder.
func (w world) writeFile(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(w.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

// Input that no run can begin with is refused by one line that says what is
// wrong with which file, and nothing is made.
func TestBadInput(t *testing.T) {
	w := newWorld(t)
	run := filepath.Join(w.dir, "run")
	four, large := filepath.Join(w.dir, "four"), filepath.Join(w.dir, "large")
	makeShards(t, four, "train", 4, 3)
	shardstest.Stripes(t, large, "val", 3, 3, 24)
	netFile := func(name, old, new string) string { return w.writeFile(t, name, strings.Replace(testNet, old, new, 1)) }
	port, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer port.Close()
	for _, c := range []struct {
		code int
		want string
		args []string
	}{
		{1, "nowhere", w.args(run, "--train", filepath.Join(w.dir, "nowhere"))},
		{1, "different classes (3 and 4 of them; missing from the first: class3): make the second with prep-imagenet shard --split val --classes " + w.train, w.args(run, "--val", four)},
		{1, "the net has 3 classes and the shards have 4", w.args(run, "--train", four, "--val", "")},
		{1, "have 20 pixels a side and those of " + large + " 24: make both with the same --size", w.args(run, "--val", large)},
		{1, "bad.json: mean has 2 numbers, want 3", w.args(run, "--pca", w.writeFile(t, "bad.json", `{"units":"0-255","mean":[1,2]}`))},
		{1, "not a directory", w.args(filepath.Join(w.writeFile(t, "file", ""), "run"))},
		{2, "in use: choose another port", w.args(run, "--dashboard", port.Addr().String())},

		{1, "--net: open", w.args(run, "--net", filepath.Join(w.dir, "missing.json"))},
		{1, "big.json", w.args(run, "--net", netFile("big.json", `"size": 16`, `"size": 2`))},
		{1, "reads 24 pixels a side and the pictures of " + w.train + " have 20: make shards with prep-imagenet shard --size 28, or choose another net", w.args(run, "--net", netFile("wide.json", `"size": 16`, `"size": 24`))},
		{1, "odd.json: net \"test\": layer 1 (conv1), which reads 3×16×16: 7 maps don't divide over 2 towers", w.args(run, "--net", netFile("odd.json", `"maps": 8`, `"maps": 7`))},
		{1, "cut.json: net file: isn't JSON: unexpected EOF", w.args(run, "--net", w.writeFile(t, "cut.json", testNet[:300]))},
		{1, "field.json: net file: json: unknown field \"steps\"", w.args(run, "--net", netFile("field.json", `"stride"`, `"steps"`))},

		{1, "--from: there is no checkpoint", w.args(run, "--from", filepath.Join(w.dir, "missing.safetensors"))},
		{1, "text.safetensors", w.args(run, "--from", w.writeFile(t, "text.safetensors", "hello"))},
	} {
		args := c.args
		if i := slices.Index(args, "--from"); i > 0 { // which brings its net
			args = slices.Delete(slices.Clone(args), slices.Index(args, "--net"), slices.Index(args, "--net")+2)
		}
		call(args...).must(t, c.code, c.want)
		if _, err := os.Stat(run); !errors.Is(err, os.ErrNotExist) {
			t.Fatalf("%v: the refused call made %s", args[1:], run)
		}
	}
}

// badCheckpoints: what isn't the checkpoint that is needed is said to be so by
// every command.
func badCheckpoints(t *testing.T, w trained) {
	whole := read(t, w.checkpoint)
	flipped := []byte(whole)
	flipped[len(flipped)-1000] ^= 1
	four, fourRun := filepath.Join(w.dir, "four"), filepath.Join(w.dir, "four-run")
	makeShards(t, four, "train", 4, 3)
	fourNet := w.writeFile(t, "four.json", strings.Replace(testNet, `"classes": 3`, `"classes": 4`, 1))
	call("train-alexnet", "--train", four, "--run", fourRun, "--net", fourNet, "--steps", "1", "--batch", "6").must(t, 0)
	other := filepath.Join(fourRun, "checkpoints", "step-000000001.safetensors")
	large := filepath.Join(w.dir, "large")
	shardstest.Stripes(t, large, "val", 3, 3, 24)
	picture := filepath.Join(w.pictures, "class0", "00.png")
	for _, c := range []struct {
		code int
		want string
		args []string
	}{
		{1, "the file is truncated", []string{"predict", "--checkpoint", w.writeFile(t, "cut.safetensors", whole[:len(whole)/2]), picture}},
		{1, "damaged: its bytes have the hash", []string{"predict", "--checkpoint", w.writeFile(t, "flipped.safetensors", string(flipped)), picture}},
		{1, "is a folder", []string{"serve", "--checkpoint", w.dir}},
		{1, "was trained on 4 classes (class0 …), " + w.val + " has 3", []string{"eval", "--checkpoint", other, "--data", w.val}},
		{1, "an ensemble's nets have the same classes", []string{"eval", "--checkpoint", w.checkpoint, "--checkpoint", other, "--data", w.val}},
		{1, "was trained on 4 classes", []string{"report", "--run", filepath.Join(w.dir, "run"), "--checkpoint", other}},
		{0, "trained on pictures of 20 pixels a side, those of " + large + " have 24", []string{"eval", "--checkpoint", w.checkpoint, "--data", large}},
	} {
		call(append([]string{"train-alexnet"}, c.args...)...).must(t, c.code, c.want)
	}
	// A checkpoint of another net in the run's folder is not gone on from.
	moved := filepath.Join(w.dir, "moved")
	call(w.args(moved, "--steps", "2")...).must(t, 0)
	narrow := w.writeFile(t, "narrow.json", strings.Replace(testNet, `"units": 16`, `"units": 8`, 1))
	call(w.args(filepath.Join(w.dir, "narrow"), "--net", narrow, "--steps", "3")...).must(t, 0)
	const name = "checkpoints/step-000000003.safetensors"
	if err := os.WriteFile(filepath.Join(moved, name), []byte(read(t, filepath.Join(w.dir, "narrow", name))), 0o666); err != nil {
		t.Fatal(err)
	}
	call("train-alexnet", "--run", moved, "--resume", "--steps", "4").must(t, 1, "is of another net: layer 7", "begin a new run")
	larger := filepath.Join(w.dir, "larger")
	shardstest.Stripes(t, larger, "train", 3, 4, 24)
	call("train-alexnet", "--run", filepath.Join(w.dir, "run"), "--resume", "--epochs", "9", "--train", larger, "--val", large).must(t, 1, "was trained on pictures of 20 pixels a side and those of "+larger+" have 24")
}

// cmykPicture: an inverted four-colour JPEG, as Photoshop writes it, is a
// picture like others.
func cmykPicture(t *testing.T, w trained) {
	picture := filepath.Join("..", "..", "pipeline", "decode", "testdata", "cmyk-adobe.jpg")
	p := w.predict(t, 0, picture)
	if len(p.Pictures) != 1 || len(p.Pictures[0].Guesses) != 3 {
		t.Errorf("predictions %+v", p)
	}
}

// unprivileged is the command as a process of a user who may not write where
// the modes of files say so, in a world that this user can look at.
func (w world) unprivileged(t *testing.T, args ...string) result {
	t.Helper()
	p := process(args...)
	if os.Geteuid() == 0 {
		program, err := os.ReadFile("/proc/self/exe")
		if err != nil {
			t.Fatal(err)
		}
		p.Path = filepath.Join(w.dir, "train-alexnet")
		if _, err := os.Stat(p.Path); err != nil {
			if err := errors.Join(os.WriteFile(p.Path, program, 0o755), os.Chmod(filepath.Dir(w.dir), 0o755)); err != nil {
				t.Fatal(err)
			}
		}
		asNobody(p)
	}
	var stdout, stderr strings.Builder
	p.Stdout, p.Stderr, p.Dir = &stdout, &stderr, w.dir
	var exit *exec.ExitError
	if err := p.Run(); errors.Is(err, syscall.EPERM) {
		t.Skip("this root may not become another user")
	} else if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return result{p.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

func TestReadOnlyRunFolder(t *testing.T) {
	w := newWorld(t)
	dir := filepath.Join(w.dir, "run")
	call(w.args(dir, "--steps", "2")...).must(t, 0)
	for path, mode := range map[string]os.FileMode{w.dir: 0o555, dir: 0o555, filepath.Join(dir, train.LockName): 0o444, filepath.Join(dir, train.RecordName): 0o444} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	defer func() { os.Chmod(w.dir, 0o755); os.Chmod(dir, 0o755) }() // so that they can be removed
	before := read(t, filepath.Join(dir, train.RecordName))
	for _, args := range [][]string{
		w.args(filepath.Join(w.dir, "new"))[1:],
		{"--run", dir, "--resume", "--steps", "4"},
	} {
		w.unprivileged(t, args...).must(t, command.Failed, "cannot be written", "permission denied", "make it writable or give another --run")
	}
	if read(t, filepath.Join(dir, train.RecordName)) != before || latestStep(t, dir) != 2 {
		t.Error("the run has changed")
	}
	w.unprivileged(t, "report", "--run", dir).must(t, command.Failed, "permission denied")
}

func TestUnreadableFiles(t *testing.T) {
	w := newWorld(t)
	dir := filepath.Join(w.dir, "run")
	call(w.args(dir, "--steps", "2")...).must(t, 0)
	checkpoint := filepath.Join(dir, "checkpoints", "step-000000002.safetensors")
	secret := w.writeFile(t, "secret.jpg", "x")
	if err := os.Chmod(secret, 0); err != nil {
		t.Fatal(err)
	}
	w.unprivileged(t, "predict", "--checkpoint", checkpoint, secret).must(t, command.Skipped, secret, "permission denied", "1 of 1 picture could")
	w.unprivileged(t, "predict", "--checkpoint", secret, secret).must(t, command.Failed, "checkpoint: open "+secret+": permission denied")
	w.unprivileged(t, w.args(filepath.Join(w.dir, "x"), "--pca", secret)[1:]...).must(t, command.Failed, secret, "permission denied")
	w.unprivileged(t, w.args(filepath.Join(w.dir, "x"), "--config", secret)[1:]...).must(t, command.Failed, "--config: open "+secret+": permission denied")
}
