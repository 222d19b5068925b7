package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"alexnet/engine/devices"
	"alexnet/engine/infer"
	"alexnet/pipeline/shards/shardstest"
	"alexnet/tools/internal/command"
	"alexnet/tools/internal/ranks/rankstest"
)

// TestMain lets a test run the command as a process of its own.
func TestMain(m *testing.M) {
	if os.Getenv("TRAIN_ALEXNET_PROCESS") != "" {
		main()
	}
	os.Setenv("XDG_CACHE_HOME", filepath.Join(os.TempDir(), "alexnet-test-cache")) // what is told once isn't told of the user's own
	rankstest.Main(m, main)
}

// process is the command as a process of its own.
func process(args ...string) *exec.Cmd {
	c := exec.Command(os.Args[0], args...)
	c.Env = append(os.Environ(), "TRAIN_ALEXNET_PROCESS=1")
	return c
}

const (
	testSize  = 20 // pixels a side in the shards
	testBatch = 6
)

// testNet reads 16 of the 20 pixels.
const testNet = `{
  "name": "test", "input": {"size": 16, "scale": 0.02}, "towers": 2, "classes": 3,
  "layers": [
    {"name": "conv1", "conv": {"maps": 8, "kernel": 5, "stride": 2, "pad": 2, "std": 0.05}},
    {"activate": "relu"},
    {"lrn": {"size": 5, "k": 2, "alpha": 0.0001, "beta": 0.75}},
    {"maxpool": {"kernel": 3, "stride": 2, "pad": 0}},
    {"name": "conv2", "conv": {"maps": 8, "kernel": 3, "stride": 1, "pad": 1, "reads": "own", "std": 0.05}},
    {"activate": "relu"},
    {"name": "fc3", "dense": {"units": 16, "std": 0.05}},
    {"activate": "relu"},
    {"dropout": {"rate": 0.5}},
    {"name": "fc4", "dense": {"std": 0.05}}
  ]}`

// world is what a user has before training.
type world struct{ dir, train, val, net string }

// newWorld makes shards of three classes, stripes of three directions in random
// colours, through the sharding job itself.
func newWorld(t *testing.T) world {
	t.Helper()
	dir := t.TempDir()
	w := world{dir: dir, train: filepath.Join(dir, "train"), val: filepath.Join(dir, "val"), net: filepath.Join(dir, "net.json")}
	makeShards(t, w.train, "train", 3, 20)
	makeShards(t, w.val, "val", 3, 7)
	if err := os.WriteFile(w.net, []byte(testNet), 0o666); err != nil {
		t.Fatal(err)
	}
	return w
}

func makeShards(t *testing.T, out, split string, classes, perClass int) {
	t.Helper()
	shardstest.Stripes(t, out, split, classes, perClass, testSize)
}

// args are the flags of a small run in the folder dir.
func (w world) args(dir string, more ...string) []string {
	return append([]string{
		"train-alexnet", "--train", w.train, "--val", w.val, "--run", dir, "--net", w.net, "--batch", fmt.Sprint(testBatch),
		"--init", "he", "--lr", "0.02", "--warmup", "5", "--log-every", "4", "--epochs", "8", "--threads", "2", "--seed", "3",
	}, more...)
}

// result is what a call of the command leaves.
type result struct {
	code           int
	stdout, stderr string
}

// call runs the command in this process.
func call(args ...string) result {
	var stdout, stderr bytes.Buffer
	err := run(context.Background(), args, &stdout, &stderr)
	code := command.Report("train-alexnet", err, &stderr)
	return result{code, stdout.String(), stderr.String()}
}

func (r result) must(t *testing.T, code int, words ...string) {
	t.Helper()
	if r.code != code {
		t.Fatalf("exit code %d, want %d\n%s", r.code, code, r.stderr)
	}
	for _, w := range words {
		if !strings.Contains(r.stdout+r.stderr, w) {
			t.Errorf("no %q in\n%s%s", w, r.stdout, r.stderr)
		}
	}
}

func exists(t *testing.T, path string) {
	t.Helper()
	if info, err := os.Stat(path); err != nil || info.Size() == 0 {
		t.Errorf("%s is missing or empty: %v", path, err)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestHelpIsComplete(t *testing.T) {
	call("train-alexnet", "--help").must(t, 0, "prep-imagenet shard", "--resume", "default: 0.01", "Exit codes", "eval", "small         --init he --input-scale 0.015625 --warmup 50 --batch 16")
	alone := call("train-alexnet")
	alone.must(t, 0, "train-alexnet PICTURES", "train-alexnet --help")
	if lines := strings.Count(alone.stdout, "\n"); lines > 12 {
		t.Errorf("without a word it prints %d lines, want 12 at most", lines)
	}
	call("train-alexnet", "net").must(t, 0, "alexnet-mini  --size 74    64")
	call("train-alexnet", "--help").must(t, 0, "Measure and predict:\n     eval", "Move weights:\n     export", "Runs and reports:\n     report", "This machine:\n     devices")
	for _, command := range []string{"eval", "predict", "features", "serve", "export", "import", "report", "runs", "ablate", "figure-1", "net", "devices", "bench", "completion"} {
		r := call("train-alexnet", command, "--help")
		r.must(t, 0, "train-alexnet "+command, "DESCRIPTION")
	}
	call("train-alexnet", "eval", "--help").must(t, 0, "--ten-crop")
	call("train-alexnet", "devices").must(t, 0, "cpu\t")
}

func TestBadUsage(t *testing.T) {
	w := newWorld(t)
	run := filepath.Join(w.dir, "run")
	for _, c := range []struct {
		want string
		args []string
	}{
		{"--train is required", []string{"train-alexnet", "--run", run}},
		{"--run is required", []string{"train-alexnet", "--train", w.train}},
		{"no net called \"lenet\"", w.args(run, "--net", "lenet")},
		{"--lr: learning rate -1", w.args(run, "--lr", "-1")},
		{"--batch 0: want at least 1", w.args(run, "--batch", "0")},
		{"has only 60 pictures", w.args(run, "--batch", "61")},
		{"no net called \"alexnt\"", w.args(run, "--net", "alexnt")},
		{"did you mean alexnet?", w.args(run, "--net", "alexnt")},
		{"did you mean cosine?", w.args(run, "--schedule=cosin")},
		{"-learning-rate: did you mean --lr?", w.args(run, "--learning-rate", "0.1")},
		{"-torch: did you mean --safetensors?", []string{"train-alexnet", "export", "--torch", "net"}},
		{"did you mean lrn?", w.args(run, "--without", "relu,lnr")},
		{"did you mean alexnet-mini?", []string{"train-alexnet", "net", "alexnet-mimi"}},
		{"did you mean crosstalk?", []string{"train-alexnet", "ablate", "--out", run, "--train", w.train, "--val", w.val, "--parts", "lrn,crostalk"}},
		{"-pickle: there are --checkpoint, --onnx, --safetensors (see", []string{"train-alexnet", "export", "--pickle", "net.pt"}},
		{"--init x: want paper or he", w.args(run, "--init", "x")},
		{"--precision fp16: want fp32", w.args(run, "--precision", "fp16")},
		{"no device called \"tpu\"", w.args(run, "--devices", "tpu")},
		{"holds no run", []string{"train-alexnet", "--run", run, "--resume"}},
		{"there is no flag --learning-rate", w.args(run, "--learning-rate", "1")},
		{"unexpected \"more\"", w.args(run, "more")},
		{`there is no command "evaluate", and no such file: did you mean eval? (see`, []string{"train-alexnet", "evaluate", "--checkpoint", run}},
		{"a file or folder is given with a flag, here perhaps --checkpoint " + w.dir, []string{"train-alexnet", "eval", w.dir}},
		{"here perhaps --run " + w.dir, []string{"train-alexnet", "report", w.dir}},
		{"--checkpoint is required", []string{"train-alexnet", "eval", "--data", w.val}},
	} {
		r := call(c.args...)
		if r.code != command.BadUsage || !strings.Contains(r.stderr, c.want) {
			t.Errorf("%v:\ncode %d, %s want 2 and %q", c.args[1:], r.code, r.stderr, c.want)
		}
	}
	if _, err := os.Stat(run); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a refused call made %s", run)
	}
}

func TestPlan(t *testing.T) {
	w := newWorld(t)
	r := call(w.args("", "--plan", "--devices", "cpu,cpu")...)
	r.must(t, 0, "MiB")
	lines := strings.Split(r.stdout, "\n")
	if len(lines) != 4 || !strings.HasPrefix(lines[1], "cpu ") || lines[2] != "host           0 MiB: pixels of 4 batches for training and 4 for validation" {
		t.Errorf("plan of two contexts:\n%s", r.stdout)
	}
}

// openModel opens one checkpoint as the commands do.
func openModel(path, list string, o devices.Options, batch int, layer string) (*infer.Ensemble, error) {
	return infer.Open(infer.Config{Checkpoints: []string{path}, Devices: list, Options: noting(o), Batch: batch, Layer: layer})
}
