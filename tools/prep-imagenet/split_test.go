package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"alexnet/pipeline"
)

// indexMeta is our part of a folder's index.
func indexMeta(t *testing.T, dir string) (m pipeline.Meta) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "index.json"))
	if err != nil {
		t.Fatal(err)
	}
	index := struct{ Alexnet *pipeline.Meta }{&m}
	if err := json.Unmarshal(data, &index); err != nil {
		t.Fatal(err)
	}
	return m
}

// TestSplitFraction divides a source in two, whose indexes say how; and pictures
// that are appended are divided in the same way, so that none of the one set gets
// into the other.
func TestSplitFraction(t *testing.T) {
	in, dir := many(t), t.TempDir()
	train, val := filepath.Join(dir, "train"), filepath.Join(dir, "val")
	steps := []struct {
		args []string
		code int
		want string
	}{
		{[]string{"--in", in, "--out", train, "--split-fraction", ".2", "--split-seed", "3"}, 0, "160 images of 2 classes"},
		{[]string{"--in", in, "--out", val, "--split-fraction", ".2", "--split-seed", "3", "--split", "val"}, 0, "40 images of 2 classes"},
		{[]string{"--in", in, "--out", train, "--split-fraction", ".3", "--split-seed", "3"}, 1, "with split fraction 0.2 instead of 0.3"},
		{[]string{"--append", "--in", in, "--out", train}, 0, "finished before, nothing to do"},
		{[]string{"--append", "--in", in, "--out", train, "--split-seed", "4"}, 1, "but the folder has 0.2 with seed 3"},
		{[]string{"--append", "--in", in, "--out", train, "--split-fraction", "0", "--dry-run"}, 0, "40 new pictures"},
		{[]string{"--in", in, "--out", val, "--split-fraction", "1"}, 2, "--split-fraction 1: choose one from 0"},
	}
	for _, s := range steps {
		args := append([]string{"shard", "--size", "32", "--codec", "jpeg"}, s.args...)
		if s.args[0] == "--append" {
			args = append([]string{"shard"}, s.args...)
		}
		if code, _, stderr := prep(t, t.Context(), args...); code != s.code || !strings.Contains(stderr, s.want) {
			t.Errorf("%v: exit code %d, %s", args, code, stderr)
		}
	}
	want := pipeline.SourceInfo{Layout: "folders", Found: 160, SplitFraction: .2, SplitSeed: 3}
	if got := indexMeta(t, train).Source; got != want {
		t.Errorf("the index says %+v, want %+v", got, want)
	}
}

// TestLayoutIsSaid: the command says what it takes the source for before it opens
// it, and so even where that fails.
func TestLayoutIsSaid(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "m.csv"), []byte("path,label\nmissing.jpg,0\n"))
	write(t, filepath.Join(dir, "broken.csv"), []byte("path,label\na.jpg\n"))
	write(t, filepath.Join(dir, "f", "a", "1.JPEG"), encoded(t, encodeJPEG, picture(40, 40)))
	for _, c := range []struct {
		in   string
		code int
		want string
	}{
		{"f", 0, "holds 1 class folder (a): layout folders, unless --layout says otherwise"},
		{"m.csv", 1, "layout manifest, unless --layout says otherwise"},
		{"broken.csv", 1, "layout manifest, unless --layout says otherwise"},
	} {
		in := filepath.Join(dir, c.in)
		code, _, stderr := prep(t, t.Context(), "shard", "--in", in, "--out", filepath.Join(dir, "out"), "--dry-run", "--size", "16", "--on-bad", "stop")
		first, _, _ := strings.Cut(stderr, "\n")
		if code != c.code || !strings.HasPrefix(first, in+" ") || !strings.HasSuffix(first, c.want) {
			t.Errorf("%s: exit code %d, %s", c.in, code, stderr)
		}
	}
	if _, _, stderr := prep(t, t.Context(), "shard", "--in", filepath.Join(dir, "f"), "--out", filepath.Join(dir, "out"), "--layout", "folders", "--dry-run"); strings.Contains(stderr, "unless") {
		t.Errorf("says what was given: %s", stderr)
	}
}

// TestValidationWithoutAClass: a validation set that lacks pictures of a class gets
// the labels of the training set through its class list, or its shards.
func TestValidationWithoutAClass(t *testing.T) {
	in, dir := t.TempDir(), t.TempDir()
	j := encoded(t, encodeJPEG, picture(40, 40))
	for _, name := range []string{"train/a/1.jpg", "train/b/1.jpg", "train/c/1.jpg", "val/b/1.jpg", "val/c/1.jpg"} {
		write(t, filepath.Join(in, filepath.FromSlash(name)), j)
	}
	if err := os.Mkdir(filepath.Join(in, "val", "a"), 0o777); err != nil {
		t.Fatal(err)
	}
	list := filepath.Join(dir, "classes.txt")
	write(t, list, []byte("\xef\xbb\xbfa\nb\nc\n"))
	train := filepath.Join(dir, "train")
	shard := func(code int, want string, args ...string) {
		t.Helper()
		got, _, stderr := prep(t, t.Context(), append([]string{"shard", "--size", "32"}, args...)...)
		if got != code || !strings.Contains(stderr, want) {
			t.Errorf("%v: code %d, want %d and %q: %s", args, got, code, want, stderr)
		}
	}
	shard(0, "3 images of 3 classes", "--in", filepath.Join(in, "train"), "--out", train)
	shard(1, "no picture in 1 of 3 class folders (a)", "--in", filepath.Join(in, "val"), "--out", filepath.Join(dir, "x"), "--split", "val")
	shard(1, "--classes FILE, or --classes with the folder of the training shards", "--in", filepath.Join(in, "val"), "--out", filepath.Join(dir, "x"), "--split", "val")
	for i, classes := range []string{list, train} {
		out := filepath.Join(dir, "val"+string(rune('0'+i)))
		shard(0, "no picture of 1 of the 3 classes of the class list: a", "--in", filepath.Join(in, "val"), "--out", out, "--split", "val", "--classes", classes)
		m := indexMeta(t, out)
		if len(m.Classes) != 3 || m.Classes[0].ID != "a" || m.Images != 2 {
			t.Errorf("classes %v, %d images", m.Classes, m.Images)
		}
		if err := os.Remove(filepath.Join(in, "val", "a")); i == 0 && err != nil { // and without the folder
			t.Fatal(err)
		}
	}
}
