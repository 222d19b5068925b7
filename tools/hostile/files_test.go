//go:build linux

package hostile

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"
)

// Whatever a file is that a command is given, the command ends soon, in words, and
// takes little memory.
func TestOddFiles(t *testing.T) {
	w := newWorld(t)
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	if err := syscall.Mkfifo(at("pipe"), 0o666); err != nil {
		t.Fatal(err)
	}
	sparse, err := os.Create(at("sparse"))
	if err != nil {
		t.Fatal(err)
	}
	if err := sparse.Truncate(8 << 30); err != nil {
		t.Fatal(err)
	}
	sparse.Close()
	picture, err := os.ReadFile(w.picture)
	if err != nil {
		t.Fatal(err)
	}
	padded, err := os.Create(at("padded.jpg")) // a picture, and 8 GB of nothing
	if err != nil {
		t.Fatal(err)
	}
	padded.Write(picture)
	padded.Truncate(8 << 30)
	padded.Close()
	os.Symlink("missing", at("dangling"))
	os.Symlink("loop", at("loop"))
	os.Mkdir(at("folder"), 0o777)
	odd := []string{at("pipe"), "/dev/zero", "/dev/random", at("sparse"), at("padded.jpg"), at("dangling"), at("loop"), at("folder"), "/proc/self/mem"}
	fresh := 0
	out := func() string { fresh++; return at(fmt.Sprint("out", fresh)) }
	train := func(flags ...string) []string {
		return append([]string{"train-alexnet", "--train", w.train, "--batch", "12", "--steps", "1", "--run", out()}, flags...)
	}
	inputs := map[string]func(path string) []string{
		"a picture":    func(p string) []string { return []string{"train-alexnet", "predict", "--checkpoint", w.checkpoint, p} },
		"a checkpoint": func(p string) []string { return []string{"train-alexnet", "predict", "--checkpoint", p, w.picture} },
		"names": func(p string) []string {
			return []string{"train-alexnet", "predict", "--checkpoint", w.checkpoint, "--names", p, w.picture}
		},
		"a net":    func(p string) []string { return train("--net", p+".json") },
		"a config": func(p string) []string { return train("--net", w.net, "--config", p) },
		"colours":  func(p string) []string { return train("--net", w.net, "--pca", p) },
		"weights":  func(p string) []string { return train("--from", p) },
		"shards":   func(p string) []string { return []string{"compute-pca", "--shards", p, "--out", out()} },
		"a source": func(p string) []string { return []string{"prep-imagenet", "shard", "--in", p, "--out", out()} },
		"a list": func(p string) []string {
			return []string{"prep-imagenet", "shard", "--in", w.pictures, "--classes", p, "--out", out()}
		},
		"a run": func(p string) []string { return []string{"train-alexnet", "--run", p, "--resume"} },
		"a safetensors": func(p string) []string {
			return []string{"train-alexnet", "import", "--safetensors", p, "--checkpoint", out()}
		},
		"a token": func(p string) []string {
			return []string{"train-alexnet", "serve", "--checkpoint", w.checkpoint, "--addr", "127.0.0.1:0", "--token-file", p}
		},
	}
	// Nets are told by their names.
	for _, path := range slices.Clone(odd) {
		os.Symlink(path, at(filepath.Base(path)+".json"))
	}
	tried := 0
	for _, kind := range slices.Sorted(maps.Keys(inputs)) {
		for _, path := range odd {
			args := inputs[kind](path)
			if kind == "a net" {
				args = inputs[kind](at(filepath.Base(path)))
			}
			what := fmt.Sprintf("%s as %s", path, kind)
			o := finish(t, command(args[0], args[1:]...), 20*time.Second)
			o.calm(t, what)
			tried++
			if o.code == 0 && !(kind == "a picture" && path == at("padded.jpg")) {
				t.Errorf("%s: exit code 0\n%s", what, o.text)
			}
			if o.peak > 700<<20 {
				t.Errorf("%s takes %d MB", what, o.peak>>20)
			}
		}
	}
	t.Logf("%d odd files", tried)
}

// Files with random damage are refused or read; no command falls over one.
func TestDamagedFiles(t *testing.T) {
	w := newWorld(t)
	random := rand.New(rand.NewPCG(99, 14))
	var shardNames []string
	found, err := filepath.Glob(filepath.Join(w.val, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range found {
		shardNames = append(shardNames, filepath.Base(path))
	}
	damage := func(data []byte) []byte {
		switch random.IntN(4) {
		case 0:
			return data[:random.IntN(len(data))]
		case 1: // a number that is too large
			at := random.IntN(max(1, len(data)-8))
			copy(data[at:], "\xff\xff\xff\x7f\xff\xff\xff\x7f")
		default:
			for range 1 + random.IntN(20) {
				data[random.IntN(len(data))] = byte(random.Uint32())
			}
		}
		return data
	}
	rewrite := func(path string) {
		data, err := os.ReadFile(path)
		if err == nil {
			err = os.WriteFile(path, damage(data), 0o666)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	codes := map[int]int{}
	try := func(what string, name string, args ...string) {
		t.Helper()
		o := finish(t, command(name, args...), 30*time.Second)
		o.calm(t, what)
		codes[o.code]++
		if o.peak > 1<<30 {
			t.Errorf("%s takes %d MB", what, o.peak>>20)
		}
	}
	for i := range 40 {
		dir := filepath.Join(t.TempDir(), "shards")
		copied(t, w.val, dir)
		name := shardNames[i%len(shardNames)]
		rewrite(filepath.Join(dir, name))
		what := fmt.Sprintf("damage %d to %s", i, name)
		try(what, "prep-imagenet", "verify", dir)
		try(what, "compute-pca", "--shards", dir, "--recompute", "--out", dir+".json")
		try(what, "train-alexnet", "eval", "--checkpoint", w.checkpoint, "--data", dir)
		checkpoint := filepath.Join(t.TempDir(), "checkpoint.safetensors")
		data, err := os.ReadFile(w.checkpoint)
		if err == nil {
			err = os.WriteFile(checkpoint, data, 0o666)
		}
		if err != nil {
			t.Fatal(err)
		}
		rewrite(checkpoint)
		try(fmt.Sprintf("damage %d to a checkpoint", i), "train-alexnet", "predict", "--checkpoint", checkpoint, w.picture)
		run := filepath.Join(t.TempDir(), "run")
		copied(t, w.run, run)
		rewrite(filepath.Join(run, []string{"run.json", "metrics.jsonl"}[i%2]))
		try(fmt.Sprintf("damage %d to a run", i), "train-alexnet", "--run", run, "--resume", "--epochs", "3")
	}
	t.Logf("exit codes %v", codes)
}
