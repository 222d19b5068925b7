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
		{"f", 0, "holds 1 class folders (a): layout folders, unless --layout says otherwise"},
		{"m.csv", 0, "layout manifest, unless --layout says otherwise"},
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
