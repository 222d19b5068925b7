package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestOddFiles: a pipe that nobody writes to, a device, a sparse file of
// gigabytes or a folder is refused at once, by its name and kind, whatever it is
// given as; and what isn't a regular file is no output either.
func TestOddFiles(t *testing.T) {
	w := newTrained(t)
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	if err := unix.Mkfifo(at("pipe.json"), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(at("folder.json"), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/dev/zero", at("zero.json")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(at("sparse.json"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(at("sparse.json"), 3<<30); err != nil {
		t.Fatal(err)
	}
	picture := filepath.Join(w.pictures, "class0", "0.png")
	if found, err := filepath.Glob(filepath.Join(w.pictures, "*", "*")); err == nil && len(found) > 0 {
		picture = found[0]
	}
	run := filepath.Join(dir, "run")
	inputs := map[string]func(path string) []string{
		"picture":    func(p string) []string { return []string{"predict", "--checkpoint", w.checkpoint, "--size", "20", p} },
		"checkpoint": func(p string) []string { return []string{"predict", "--checkpoint", p, "--size", "20", picture} },
		"names": func(p string) []string {
			return []string{"predict", "--checkpoint", w.checkpoint, "--names", p, picture}
		},
		"net":    func(p string) []string { return w.args(run, "--net", p)[1:] },
		"config": func(p string) []string { return w.args(run, "--config", p)[1:] },
		"pca":    func(p string) []string { return w.args(run, "--pca", p)[1:] },
		"from": func(p string) []string {
			return []string{"--train", w.train, "--run", run, "--batch", "6", "--from", p}
		},
		"safetensors": func(p string) []string { return []string{"import", "--safetensors", p, "--checkpoint", at("out")} },
		"classes": func(p string) []string {
			return []string{"import", "--safetensors", w.checkpoint, "--classes", p, "--checkpoint", at("out")}
		},
	}
	for kind, args := range inputs {
		for name, want := range map[string]string{"pipe.json": "is a named pipe", "zero.json": "is a device", "folder.json": "is a folder", "sparse.json": ""} {
			if name == "folder.json" && kind == "picture" {
				continue // pictures are looked for in it
			}
			done := make(chan result, 1)
			go func() { done <- call(append([]string{"train-alexnet"}, args(at(name))...)...) }()
			select {
			case r := <-done:
				if kind == "classes" { // the checkpoint is refused before
					want = ""
				}
				if r.code == 0 || !strings.Contains(r.stderr+r.stdout, want) || kind != "classes" && !strings.Contains(r.stderr+r.stdout, name) {
					t.Errorf("%s as %s: code %d, want %q\n%s", name, kind, r.code, want, r.stderr)
				}
			case <-time.After(time.Minute):
				t.Fatalf("%s as %s: hangs", name, kind)
			}
		}
	}
	if err := errors.Join(os.Symlink(w.checkpoint, at("link")), unix.Mkfifo(at("pipe"), 0o666), os.Mkdir(at("folder"), 0o777)); err != nil {
		t.Fatal(err)
	}
	before := read(t, w.checkpoint)
	outputs := map[string]string{"link": "is a link", "pipe": "is a named pipe", "folder": "is a folder"}
	if unix.Mknod(at("null"), unix.S_IFCHR|0o666, int(unix.Mkdev(1, 3))) == nil {
		outputs["null"] = "is a device"
	}
	for name, want := range outputs {
		old, err := os.Lstat(at(name))
		if err != nil {
			t.Fatal(err)
		}
		code := 1
		if name == "folder" { // seen before any work
			code = 2
		}
		call("train-alexnet", "export", "--checkpoint", w.checkpoint, "--onnx", at(name)).must(t, code, at(name)+" "+want)
		call("train-alexnet", "predict", "--checkpoint", w.checkpoint, "--size", "20", "--sheet", at(name), picture).must(t, code, at(name)+" "+want)
		if now, err := os.Lstat(at(name)); err != nil || !os.SameFile(old, now) {
			t.Errorf("%s was replaced: %v", name, err)
		}
	}
	if read(t, w.checkpoint) != before {
		t.Error("what a link leads to was overwritten")
	}
}
