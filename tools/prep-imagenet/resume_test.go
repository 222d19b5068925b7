package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"alexnet/tools/internal/command"
)

// many is a folder of enough pictures for a job of some forty small shards.
func many(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for i := range 200 {
		write(t, filepath.Join(dir, fmt.Sprint("class", i%2), fmt.Sprintf("%03d.JPEG", i)), encoded(t, encodeJPEG, picture(60+i, 40+i)))
	}
	return dir
}

// TestShardGoesOn interrupts the command when it has written three shards, and
// gives it once more, and once more again.
func TestShardGoesOn(t *testing.T) {
	in, whole, out := many(t), filepath.Join(t.TempDir(), "whole"), filepath.Join(t.TempDir(), "out")
	args := func(out string) []string {
		return []string{"shard", "--in", in, "--out", out, "--codec", "raw", "--size", "64", "--shard-size", "64KiB", "--json"}
	}
	if code, _, stderr := prep(t, t.Context(), args(whole)...); code != 0 {
		t.Fatal(stderr)
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		defer cancel()
		for ctx.Err() == nil {
			if _, err := os.Stat(filepath.Join(out, "shard.00002.mds")); err == nil {
				return
			}
			time.Sleep(time.Millisecond)
		}
	}()
	code, _, stderr := prep(t, ctx, args(out)...)
	if code != command.Interrupted || strings.Count(stderr, "interrupted") != 1 || !strings.Contains(stderr, " kept in "+out+": give the same command to go on") {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	if code, _, stderr := prep(t, t.Context(), append(args(out), "--seed", "2")...); code != command.Failed ||
		!strings.Contains(stderr, "holds an unfinished job of") || !strings.Contains(stderr, "with seed 0 instead of 2") {
		t.Errorf("another seed: exit code %d: %s", code, stderr)
	}
	code, stdout, stderr := prep(t, t.Context(), args(out)...)
	if code != 0 || !strings.Contains(stderr, "pictures of an earlier run") || !strings.Contains(stdout, `"images":200`) || strings.Contains(stdout, `"resumed":0`) {
		t.Errorf("going on: exit code %d: %s%s", code, stdout, stderr)
	}
	if !maps.Equal(contents(t, whole), contents(t, out)) {
		t.Error("the bytes differ from those of an uninterrupted job")
	}
	code, stdout, stderr = prep(t, t.Context(), args(out)...)
	if code != 0 || !strings.Contains(stderr, "finished before, nothing to do") || !strings.Contains(stdout, `"already":true`) {
		t.Errorf("once more: exit code %d: %s%s", code, stdout, stderr)
	}
}

func TestShardBadPictures(t *testing.T) {
	in := tree(t)
	write(t, filepath.Join(in, "a", "text.JPEG"), []byte("404 Not Found"))
	write(t, filepath.Join(in, "a", "zero.JPEG"), nil)
	dir := t.TempDir()
	bad := filepath.Join(dir, "bad")
	for _, c := range []struct {
		max  string
		code int
		want string
	}{
		{"2", command.Skipped, "2 of 15 pictures left out"},
		{"20%", command.Skipped, "2 of 15 pictures left out"},
		{"1", command.Failed, "more than the 1 of --max-bad"},
		{"0.1", command.Failed, "more than the 1 of --max-bad"},
		{"0", command.BadUsage, `"0" is neither a number of pictures`},
		{"all", command.BadUsage, `"all" is neither a number of pictures`},
		{"100%", command.BadUsage, `"100%" is neither a number of pictures`},
	} {
		code, _, stderr := prep(t, t.Context(), "shard", "--in", in, "--out", filepath.Join(dir, c.max), "--size", "32", "--max-bad", c.max, "--quarantine", bad)
		if code != c.code || !strings.Contains(stderr, c.want) {
			t.Errorf("--max-bad %s: exit code %d, %s", c.max, code, stderr)
		}
	}
	if got := contents(t, filepath.Join(bad, "a")); !maps.Equal(got, map[string]string{"text.JPEG": "404 Not Found", "zero.JPEG": ""}) {
		t.Errorf("set aside: %v", got)
	}
}

// TestZeroIsNoDefault: a zero that is given is refused, and one picture isn't "1 pictures".
func TestZeroIsNoDefault(t *testing.T) {
	in := tree(t)
	for args, want := range map[string]string{
		"--size 0": "--size 0 --quality 90: choose a side of 8 pixels or more", "--quality 0": "a quality from 1 to 100",
		"--quarantine OUT/bad": "choose a folder outside it",
	} {
		out := filepath.Join(t.TempDir(), "out")
		code, _, stderr := prep(t, t.Context(), append([]string{"shard", "--in", in, "--out", out}, strings.Fields(strings.ReplaceAll(args, "OUT", out))...)...)
		if _, err := os.Stat(out); code != command.BadUsage || !strings.Contains(stderr, want) || err == nil {
			t.Errorf("%s: exit code %d, %s", args, code, stderr)
		}
	}
}

// TestShardAppendMerge makes a folder of two classes, adds pictures and a class
// to it, and joins it with another.
func TestShardAppendMerge(t *testing.T) {
	in, more, dir := many(t), t.TempDir(), t.TempDir()
	for i := range 9 {
		write(t, filepath.Join(more, fmt.Sprint("class", i%3), fmt.Sprintf("new %d.JPEG", i)), encoded(t, encodeJPEG, picture(60+i, 80)))
	}
	list := filepath.Join(dir, "classes.txt")
	write(t, list, []byte("class0\nclass1\nclass2 the third\n"))
	manifest := filepath.Join(more, "pictures.csv")
	write(t, manifest, []byte("path,label\nclass2/new 2.JPEG,2\nclass0/new 0.JPEG,class0\n"))
	a, b, all := filepath.Join(dir, "a"), filepath.Join(dir, "b"), filepath.Join(dir, "all")
	for _, s := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"shard", "--in", in, "--out", a, "--size", "32", "--codec", "jpeg", "--quality", "70"}, 0, "200 images of 2 classes in 1 shard"},
		{[]string{"shard", "--append", "--in", more, "--out", a}, 1, "such as class2: to add classes, give a list of all with --classes"},
		{[]string{"shard", "--append", "--in", more, "--out", a, "--size", "64"}, 1, "append: size 64, but the folder has 32"},
		{[]string{"shard", "--append", "--in", manifest, "--out", a, "--classes", list, "--dry-run"}, 0, "2 new pictures of 3 classes"},
		{[]string{"shard", "--append", "--in", manifest, "--out", a, "--classes", list}, 0, "202 images of 3 classes in 2 shards"},
		{[]string{"shard", "--append", "--in", more, "--out", a, "--classes", list, "--limit", "5"}, 0, "207 images of 3 classes in 3 shards"},
		{[]string{"shard", "--append", "--in", in, "--out", a, "--dry-run"}, 0, "holds all of them; nothing to do"},
		{[]string{"shard", "--append", "--in", in, "--out", a}, 0, "finished before, nothing to do"},
		{[]string{"shard", "--in", more, "--classes", list, "--out", b, "--size", "32", "--codec", "jpeg", "--quality", "70", "--layout", "folders"}, 0, "9 images of 3 classes"},
		{[]string{"merge", all, a, b}, 1, "new 0.JPEG, which is there already"},
		{[]string{"merge", all}, 2, "got 1"},
		{[]string{"merge", all, b}, 0, "9 images of 3 classes in 1 shard"},
		{[]string{"verify", a}, 0, "207 images in 3 shards are whole"},
		{[]string{"verify", all}, 0, "9 images in 1 shard are whole"},
	} {
		if code, _, stderr := prep(t, t.Context(), s.args...); code != s.code || !strings.Contains(stderr, s.want) {
			t.Errorf("%v: exit code %d, %s", s.args, code, stderr)
		}
	}
}
