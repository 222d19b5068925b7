package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"alexnet/tools/internal/command"
	"alexnet/tools/internal/ranks/rankstest"
)

func TestMain(m *testing.M) { rankstest.Main(m, func() { command.Main(run) }) }

// sameFiles wants the same files with the same bytes in both folders.
func sameFiles(t *testing.T, want, got string) {
	t.Helper()
	names := map[string]bool{}
	for _, dir := range []string{want, got} {
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			names[e.Name()] = true
		}
	}
	for name := range names {
		a, err1 := os.ReadFile(filepath.Join(want, name))
		b, err2 := os.ReadFile(filepath.Join(got, name))
		if err1 != nil || err2 != nil || string(a) != string(b) {
			t.Errorf("%s differs: %v, %v", name, err1, err2)
		}
	}
}

// exitCode is that of a launcher; −1 where it didn't fail.
func exitCode(err error) int {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode()
	}
	return -1
}

// TestShardOnRanks does one job with one process, with two and four ranks of
// either MPI, and in three parts without MPI: the bytes are the same.
func TestShardOnRanks(t *testing.T) {
	if testing.Short() {
		t.Skip("starts many processes")
	}
	dir := t.TempDir()
	in, whole := filepath.Join(dir, "practice"), filepath.Join(dir, "whole")
	sample := func(args ...string) {
		t.Helper()
		if err := run(t.Context(), append([]string{"prep-imagenet"}, args...), &strings.Builder{}, &strings.Builder{}); err != nil {
			t.Fatal(err)
		}
	}
	sample("sample", "--out", in, "--classes", "3", "--per-class", "20")
	// A bad picture, which every rank's report has to bring along.
	classes, err := filepath.Glob(filepath.Join(in, "train", "*"))
	if err != nil || len(classes) == 0 {
		t.Fatal(classes, err)
	}
	if err := os.WriteFile(filepath.Join(classes[0], "broken.jpg"), []byte("no picture"), 0o666); err != nil {
		t.Fatal(err)
	}
	job := []string{"shard", "--in", in, "--size", "64", "--shard-size", "64KiB", "--workers", "1"}
	err = run(t.Context(), append([]string{"prep-imagenet"}, append(job, "--out", whole)...), &strings.Builder{}, &strings.Builder{})
	if err == nil || !strings.Contains(err.Error(), "1 of 61 pictures left out") {
		t.Fatalf("one process: %v", err)
	}
	for _, launcher := range rankstest.Launchers {
		for _, n := range []int{2, 4} {
			t.Run(launcher+" "+strconv.Itoa(n), func(t *testing.T) {
				out := filepath.Join(t.TempDir(), "out")
				text, err := rankstest.Run(t, launcher, n, append(job, "--out", out)...)
				// Done, but for a picture: said once, and the exit code says so.
				if code := exitCode(err); code != command.Skipped || strings.Count(text, "1 of 61 pictures left out") != 1 || strings.Contains(text, "ends the job") {
					t.Errorf("exit code %d\n%s", code, text)
				}
				sameFiles(t, whole, out)
				if _, err := os.Stat(out + ".parts"); err == nil {
					t.Error("the parts are still there")
				}
				text, err = rankstest.Run(t, launcher, n, append(job, "--out", out)...)
				if err != nil || strings.Count(text, "finished before, nothing to do") != 1 {
					t.Errorf("again: %v\n%s", err, text)
				}
			})
		}
	}
	t.Run("array job", func(t *testing.T) {
		merge := []string{"prep-imagenet", "merge", filepath.Join(t.TempDir(), "out")}
		for part := range 3 {
			out := filepath.Join(t.TempDir(), strconv.Itoa(part))
			merge = append(merge, out)
			_ = run(t.Context(), append([]string{"prep-imagenet"}, append(job, "--out", out, "--part", strconv.Itoa(part)+"/3")...), &strings.Builder{}, &strings.Builder{})
		}
		if err := run(t.Context(), merge, &strings.Builder{}, &strings.Builder{}); err != nil {
			t.Fatal(err)
		}
		sameFiles(t, whole, merge[2])
	})
	t.Run("bad part", func(t *testing.T) {
		for _, part := range []string{"3/3", "1", "a/b", "-1/2", "0/0"} {
			err := run(t.Context(), append([]string{"prep-imagenet"}, append(job, "--out", whole, "--part", part)...), &strings.Builder{}, &strings.Builder{})
			if err == nil || !strings.Contains(err.Error(), "want I/N") {
				t.Errorf("--part %s: %v", part, err)
			}
		}
	})
}

// A rank that fails names itself, and all end.
func TestShardOnRanksFails(t *testing.T) {
	for _, launcher := range rankstest.Launchers {
		text, err := rankstest.Run(t, launcher, 2, "shard", "--in", "missing", "--out", filepath.Join(t.TempDir(), "out"))
		if err == nil || !strings.Contains(text, "missing: no such file or folder") {
			t.Errorf("%s: %v\n%s", launcher, err, text)
		}
	}
}

// Ranks with other flags than rank 0 don't begin.
func TestShardOnRanksStartedOtherwise(t *testing.T) {
	if testing.Short() {
		t.Skip("starts many processes")
	}
	dir := t.TempDir()
	out := filepath.Join(dir, "out")
	args := []string{"shard", "--in", dir, "--out", out, "--rank-timeout", "8s", "--workers", "1"}
	for _, launcher := range rankstest.Launchers {
		text, err := rankstest.RunEach(t, launcher, args, append(args[:len(args)-2:len(args)-2], "--seed", "4", "--codec", "raw", "--workers", "3"))
		if exitCode(err) != command.BadUsage || !strings.Contains(text, `--codec is "lossless" on rank 0`) || !strings.Contains(text, `--seed is "0" on rank 0`) || strings.Contains(text, "--workers") {
			t.Errorf("%s: exit code %d\n%s", launcher, exitCode(err), text)
		}
	}
}
