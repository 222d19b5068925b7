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
	if code != command.Interrupted || !strings.Contains(stderr, "shards stay in "+out+": give the same command to go on") {
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
