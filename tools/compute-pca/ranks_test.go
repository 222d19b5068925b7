package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"alexnet/tools/internal/command"
	"alexnet/tools/internal/ranks/rankstest"
)

func TestMain(m *testing.M) { rankstest.Main(m, func() { command.Main(run) }) }

// TestRanks wants the same files from one process and from the ranks of either
// MPI, some of which have no picture.
func TestRanks(t *testing.T) {
	if testing.Short() {
		t.Skip("starts many processes")
	}
	dir := makeShards(t, "raw", 5, gradient, nil)
	one := t.TempDir()
	files := func(dir string) []string {
		return []string{"--shards", "", "--recompute", "--out", filepath.Join(dir, "pca.json"), "--mean-image", filepath.Join(dir, "mean.png")}
	}
	args := files(one)
	args[1] = dir
	if _, stderr, code := call(t, args...); code != 0 {
		t.Fatal(stderr)
	}
	for _, launcher := range rankstest.Launchers {
		for _, n := range []int{2, 7} {
			together := t.TempDir()
			args := files(together)
			args[1] = dir
			out, err := rankstest.Run(t, launcher, n, args...)
			if err != nil || strings.Count(out, "decoded 5 images") != 1 {
				t.Fatalf("%s, %d ranks: %v\n%s", launcher, n, err, out)
			}
			for _, name := range []string{"pca.json", "mean.png", "mean.npy"} {
				want, err1 := os.ReadFile(filepath.Join(one, name))
				got, err2 := os.ReadFile(filepath.Join(together, name))
				if err1 != nil || err2 != nil || string(got) != string(want) {
					t.Errorf("%s, %d ranks: %s differs: %v, %v", launcher, n, name, err1, err2)
				}
			}
		}
	}
}

// Ranks that read other shards than rank 0 don't begin; where the same shards are
// doesn't matter.
func TestRanksOfOtherShards(t *testing.T) {
	if testing.Short() {
		t.Skip("starts many processes")
	}
	dir, other, out := makeShards(t, "raw", 5, gradient, nil), makeShards(t, "raw", 4, gradient, nil), filepath.Join(t.TempDir(), "pca.json")
	same := filepath.Join(t.TempDir(), "same")
	if err := os.CopyFS(same, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	args := func(dir string) []string {
		return []string{"--shards", dir, "--out", out, "--recompute", "--rank-timeout", "8s"}
	}
	for _, launcher := range rankstest.Launchers {
		text, err := rankstest.RunEach(t, launcher, args(dir), args(other))
		if err == nil || !strings.Contains(text, "--shards is \"index.json with SHA-256 ") {
			t.Errorf("%s: %v\n%s", launcher, err, text)
		}
		if text, err := rankstest.RunEach(t, launcher, args(dir), args(same)); err != nil {
			t.Errorf("%s: a copy of the shards: %v\n%s", launcher, err, text)
		}
	}
}
