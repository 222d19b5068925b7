package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"alexnet/augment"
	"alexnet/engine"
	"alexnet/engine/devices"
	"alexnet/engine/infer"
	"alexnet/engine/infer/serve"
	"alexnet/engine/train/ablate"
	"alexnet/engine/train/report"
	"alexnet/pipeline"
	"alexnet/pipeline/source"
)

// photographs makes shards of 72 pixels a side from some of the real pictures
// of three classes, and returns their folder and the pictures'.
func photographs(t *testing.T, split string, perClass int) (shards, pictures string) {
	t.Helper()
	root := os.Getenv("ALEXNET_DATA")
	if root == "" {
		root = "../../../shared/data"
	}
	classes, err := filepath.Glob(filepath.Join(root, "imagenette-160", split, "n*"))
	if err != nil || len(classes) < 3 {
		t.Skip("no pictures in " + root + ": set ALEXNET_DATA")
	}
	pictures, shards = t.TempDir(), filepath.Join(t.TempDir(), split)
	for _, class := range classes[:3] {
		files, err := filepath.Glob(filepath.Join(class, "*.JPEG"))
		if err != nil || len(files) < perClass {
			t.Fatalf("%s: %d pictures, %v", class, len(files), err)
		}
		if err := os.Mkdir(filepath.Join(pictures, filepath.Base(class)), 0o777); err != nil {
			t.Fatal(err)
		}
		for _, file := range files[:perClass] {
			to := filepath.Join(pictures, filepath.Base(class), filepath.Base(file))
			if err := os.WriteFile(to, []byte(read(t, file)), 0o666); err != nil {
				t.Fatal(err)
			}
		}
	}
	src, err := source.Open(t.Context(), pictures, source.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	if _, err := pipeline.Shard(t.Context(), pipeline.ShardConfig{Out: shards, Split: split, Codec: "lossless", Size: 72, Seed: 1}, src, nil); err != nil {
		t.Fatal(err)
	}
	return shards, pictures
}

// TestPhotographs goes the whole way with every command, from shards of real
// pictures to an export and back.
func TestPhotographs(t *testing.T) {
	if testing.Short() {
		t.Skip("trains alexnet-mini")
	}
	train, _ := photographs(t, "train", 40)
	val, pictures := photographs(t, "val", 8)
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	axes, err := augment.FromSums(openShards(t, train).Meta().Statistics)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(axes)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(at("pca.json"), text, 0o666); err != nil {
		t.Fatal(err)
	}
	recipe := fmt.Sprintf("train = %q\nval = %q\npca = %q\nnet = \"alexnet-mini\"\ninit = \"he\"\ninput-scale = 0.02\nwarmup = 20\nbatch = 12\nlr = 0.005\n", train, val, at("pca.json"))
	if err := os.WriteFile(at("recipe.toml"), []byte(recipe), 0o666); err != nil {
		t.Fatal(err)
	}

	// Train, stop, go on, look.
	run := at("run")
	call("train-alexnet", "--config", at("recipe.toml"), "--run", run, "--dry-run").must(t, 0, "10 steps of 12 an epoch", "3×64×64")
	call("train-alexnet", "--config", at("recipe.toml"), "--run", run, "--epochs", "6", "--steps", "35").must(t, 0, "after 35 steps")
	call("train-alexnet", "--run", run, "--resume", "--steps", "0").must(t, 0, "after 60 steps")
	best := filepath.Join(run, "checkpoints", "best.safetensors")
	lowest := 1.0
	for _, m := range metricsOf(t, run) {
		if m.Split == "val" {
			lowest = min(lowest, m.Top1Error)
		}
	}
	if lowest > 0.5 {
		t.Errorf("lowest validation error %.2f over three classes: nothing was learnt", lowest)
	}
	call("train-alexnet", "report", "--run", run).must(t, 0, "wrote")
	if page := read(t, filepath.Join(run, report.PageName)); strings.Count(page, "data:image/png;base64,") < 14+36 || !strings.Contains(page, "Nearest neighbours in fc7") {
		t.Error("the report lacks pictures")
	}

	// Measure and predict.
	evaluate := func(checkpoint string, flags ...string) (s engine.Score) {
		r := call(append([]string{"train-alexnet", "eval", "--json", "--data", val, "--checkpoint", checkpoint}, flags...)...)
		r.must(t, 0)
		if err := json.Unmarshal([]byte(r.stdout), &s); err != nil {
			t.Fatal(err)
		}
		return s
	}
	centre := evaluate(best)
	if centre.Images != 24 || centre.Top1Error != lowest {
		t.Errorf("eval says %+v, the run %g", centre, lowest)
	}
	if ten := evaluate(best, "--ten-crop"); ten.Images != 24 || ten.Loss == centre.Loss || math.Abs(ten.Top1Error-centre.Top1Error) > 0.35 {
		t.Errorf("ten crops: %+v, the centre: %+v", ten, centre)
	}
	last := filepath.Join(run, "checkpoints", "step-000000060.safetensors")
	if both := evaluate(best, "--checkpoint", last); both.Images != 24 {
		t.Errorf("an ensemble: %+v", both)
	}
	r := call("train-alexnet", "predict", "--json", "--checkpoint", best, "--sheet", at("sheet.png"), pictures)
	r.must(t, 0)
	var p predictions
	if err := json.Unmarshal([]byte(r.stdout), &p); err != nil {
		t.Fatal(err)
	}
	if top1, loss := p.score(); len(p.Pictures) != 24 || math.Abs(top1-centre.Top1Error) > 1e-9 || math.Abs(loss-centre.Loss) > 1e-6 {
		t.Errorf("predict: %d pictures, error %g, loss %g; eval: %+v", len(p.Pictures), top1, loss, centre)
	}
	exists(t, at("sheet.png"))
	call("train-alexnet", "features", "--checkpoint", best, "--data", val, "--out", at("fc7.npy")).must(t, 0, "24 vectors of")
	servePhotograph(t, best, p.Pictures[0])

	// Move weights: what comes back scores the same.
	call("train-alexnet", "export", "--checkpoint", best, "--onnx", at("net.onnx"), "--safetensors", at("torch.safetensors")).must(t, 0)
	exists(t, at("net.onnx"))
	call("train-alexnet", "import", "--safetensors", at("torch.safetensors"), "--checkpoint", at("back.safetensors")).must(t, 0, "3 classes")
	if back := evaluate(at("back.safetensors")); math.Abs(back.Loss-centre.Loss) > 1e-5 || back.Top1Error != centre.Top1Error {
		t.Errorf("after export and import %+v, before %+v", back, centre)
	}

	// Fine-tune, compare, leave out.
	call("train-alexnet", "--train", train, "--val", val, "--run", at("tuned"), "--from", best, "--freeze", "conv1,conv2", "--batch", "12", "--lr", "0.001", "--epochs", "1").must(t, 0, "after 10 steps")
	call("train-alexnet", "runs", run, at("tuned")).must(t, 0, run, at("tuned"), "done", "freeze=conv1,conv2")
	call("train-alexnet", "ablate", "--out", at("ablation"), "--config", at("recipe.toml"), "--epochs", "1", "--seeds", "1", "--parts", "pca").must(t, 0, "| whole |", "| without pca |")
	exists(t, filepath.Join(at("ablation"), ablate.PictureName))
	call("train-alexnet", "bench", "--net", "alexnet-mini", "--batch", "4", "--steps", "1", "--data", train).must(t, 0, "conv1")
	call("train-alexnet", "devices").must(t, 0, "cpu")
}

// servePhotograph asks serve about a picture that predict has seen.
func servePhotograph(t *testing.T, checkpoint string, want infer.Prediction) {
	t.Helper()
	e, err := openModel(checkpoint, "cpu", devices.Options{Threads: 1}, 1, "")
	if err != nil {
		t.Fatal(err)
	}
	pictures, err := infer.NewReader(e.Size(), 50, 4)
	if err != nil {
		t.Fatal(err)
	}
	limits := serve.Limits{Body: 1 << 20, Bodies: 16 << 20, Decoded: 1 << 30, Timeout: time.Minute, Concurrency: 4, Queue: 8, Connections: 100, Top: 2}
	s := serve.New(e, pictures, limits, serve.Guard{}, io.Discard)
	hs := httptest.NewServer(s)
	defer func() { hs.Close(); s.Retire(); e.Close() }()
	a := post(t, hs.URL+"/predict", "image/jpeg", strings.NewReader(read(t, want.File)))
	if a.status != 200 || a.Guesses[0].Class != want.Guesses[0].Class || math.Abs(a.Guesses[0].Probability-want.Guesses[0].Probability) > 1e-6 {
		t.Errorf("serve says %+v, predict %+v", a, want)
	}
}
