package main

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"alexnet/engine"
	"alexnet/engine/train"
)

// unhashed copies a safetensors file without its hash, with its tensors changed.
func unhashed(t *testing.T, from, to string, change func(name string, values []float32)) {
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
	delete(s.Metadata, "xxh3")
	out, err := os.Create(to)
	if err != nil {
		t.Fatal(err)
	}
	err = engine.WriteSafetensors(out, s.Metadata, s.Tensors, func(name string) ([]float32, error) {
		values, err := s.ReadFloat32(name)
		if err == nil {
			change(name, values)
		}
		return values, err
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
}

// badNumbers: weights that are no numbers are refused by every command that loads
// them, by the tensor's name; answers that overflow are no answers.
func badNumbers(t *testing.T, w trained) {
	picture := filepath.Join(w.pictures, "class0", "00.png")
	exported, out := filepath.Join(w.dir, "exported.safetensors"), filepath.Join(w.dir, "imported.safetensors")
	call("train-alexnet", "export", "--checkpoint", w.checkpoint, "--safetensors", exported).must(t, 0)
	for _, v := range []float32{float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1))} {
		bad, badExport := filepath.Join(w.dir, "bad.safetensors"), filepath.Join(w.dir, "badexport.safetensors")
		unhashed(t, w.checkpoint, bad, func(name string, values []float32) {
			if name == "conv2.weight" {
				values[7] = v
			}
		})
		unhashed(t, exported, badExport, func(name string, values []float32) {
			if name == "features.4.weight" {
				values[7] = v
			}
		})
		for _, args := range [][]string{
			{"predict", "--checkpoint", bad, picture},
			{"eval", "--checkpoint", bad, "--data", w.val},
			{"serve", "--checkpoint", bad, "--addr", "127.0.0.1:0"},
			{"features", "--checkpoint", bad, "--layer", "fc3", "--out", filepath.Join(w.dir, "f.npy"), picture},
			{"export", "--checkpoint", bad, "--onnx", filepath.Join(w.dir, "bad.onnx")},
			{"--train", w.train, "--run", filepath.Join(w.dir, "tuned"), "--from", bad, "--batch", "6", "--steps", "1"},
		} {
			call(append([]string{"train-alexnet"}, args...)...).must(t, 1, "bad.safetensors: tensor \"conv2.weight\" holds "+fmt.Sprint(v)+" (value 8 of ")
		}
		call("train-alexnet", "import", "--safetensors", badExport, "--checkpoint", out).must(t, 1, "badexport.safetensors: tensor \"features.4.weight\" holds "+fmt.Sprint(v))
		if _, err := os.Stat(out); err == nil {
			t.Error("import wrote a checkpoint")
		}
	}
	// Numbers whose products overflow.
	large := filepath.Join(w.dir, "large.safetensors")
	unhashed(t, w.checkpoint, large, func(name string, values []float32) {
		for i := range values {
			if strings.HasPrefix(name, "fc") {
				values[i] = 3e38
			}
		}
	})
	call("train-alexnet", "predict", "--checkpoint", large, picture).must(t, 1, picture, "output is not a number")
	call("train-alexnet", "predict", "--checkpoint", large, "--json", picture).must(t, 1, "not a number")
	call("train-alexnet", "eval", "--checkpoint", large, "--data", w.val).must(t, 1, "not a number")
	call("train-alexnet", "eval", "--checkpoint", large, "--data", w.val, "--ten-crop", "--json").must(t, 1, "not a number")
	call("train-alexnet", "report", "--run", filepath.Join(w.dir, "run"), "--checkpoint", large).must(t, 1, "guesses.png is not drawn: the net's output is not a number", "train-alexnet: the net's output is not a number")
	call("train-alexnet", "eval", "--checkpoint", large, "--checkpoint", w.checkpoint, "--data", w.val).must(t, 1, "not a number")
}

// A run whose latest checkpoint holds NaN isn't gone on with.
func TestResumeRefusesNaN(t *testing.T) {
	w := newWorld(t)
	dir := filepath.Join(w.dir, "run")
	call(w.args(dir, "--steps", "2")...).must(t, 0)
	path := filepath.Join(dir, "checkpoints/step-000000002.safetensors")
	bad := filepath.Join(w.dir, "bad")
	unhashed(t, path, bad, func(name string, values []float32) {
		if name == "fc3.bias.momentum" {
			values[1] = float32(math.NaN())
		}
	})
	if err := os.Rename(bad, path); err != nil {
		t.Fatal(err)
	}
	before := read(t, filepath.Join(dir, train.RecordName))
	call("train-alexnet", "--run", dir, "--resume", "--steps", "3").must(t, 1, path, `tensor "fc3.bias.momentum" holds NaN (value 2 of 16)`)
	if read(t, filepath.Join(dir, train.RecordName)) != before {
		t.Error("run.json has changed")
	}
}

// Numbers that no training can begin with are refused at once.
func TestImpossibleNumbers(t *testing.T) {
	w := newWorld(t)
	run := filepath.Join(w.dir, "run")
	for _, flags := range []string{
		"--decay inf", "--decay NaN", "--decay 1e39", "--decay -1", "--input-scale inf", "--input-scale NaN", "--input-scale 1e300",
		"--lr inf", "--lr NaN", "--lr 1e39", "--momentum inf", "--momentum NaN", "--label-smoothing inf", "--label-smoothing NaN",
		"--mean NaN,1,2", "--mean inf,1,2", "--jitter NaN,0,0", "--jitter inf,0,0", "--crop resized:NaN", "--crop resized:inf",
		"--epochs 9223372036854775807", "--batch 9223372036854775807", "--threads 1000000000", "--workers 1000000000",
		"--schedule step --drop-at 9223372036854775807",
	} {
		words := strings.Fields(flags)
		call(w.args(run, words...)...).must(t, 2, words[len(words)-2])
	}
	for _, args := range [][]string{
		{"predict", "--checkpoint", w.net, "--max-megapixels", "NaN", w.net}, {"predict", "--checkpoint", w.net, "--max-megapixels", "-1", w.net},
		{"bench", "--peak", "NaN"}, {"bench", "--bandwidth", "inf"}, {"bench", "--peak", "-1"},
	} {
		call(append([]string{"train-alexnet"}, args...)...).must(t, 2, "want a number")
	}
	if _, err := os.Stat(run); err == nil {
		t.Error("a refused call made the folder")
	}
}

// A net of millions of maps is refused before it takes memory.
func TestHugeNet(t *testing.T) {
	w := newWorld(t)
	huge := w.writeFile(t, "huge.json", strings.Replace(testNet, `"maps": 8`, `"maps": 200000000`, 1))
	large := w.writeFile(t, "large.json", strings.Replace(testNet, `"maps": 8`, `"maps": 20000000`, 1))
	for _, args := range [][]string{{"--plan"}, {"--dry-run"}, {}} {
		call(w.args(filepath.Join(w.dir, "run"), append(args, "--net", huge)...)...).must(t, 1, "huge.json", "layer 1 (conv1)", "the weights would have more than")
	}
	call(w.args(filepath.Join(w.dir, "run"), "--plan", "--net", large, "--batch", "2")...).must(t, 1, "takes", "on this machine")
	call("train-alexnet", "net", "alexnet", "--classes", "1000000000000").must(t, 2, "fc8")
	call("train-alexnet", "bench", "--batch", "100000000", "--steps", "1").must(t, 1, "net \"alexnet\"")
}
