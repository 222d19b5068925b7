package main

import (
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Processes that share a folder write its files one after the other.
func TestLockedTogether(t *testing.T) {
	dir := t.TempDir()
	var inside, crowds atomic.Int32
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			err := lockedTogether(t.Context(), dir, func() error {
				if inside.Add(1) > 1 {
					crowds.Add(1)
				}
				time.Sleep(time.Millisecond)
				inside.Add(-1)
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := crowds.Load(); n > 0 {
		t.Errorf("%d found another inside", n)
	}
	if err := lockedTogether(t.Context(), filepath.Join(dir, "none"), func() error { return nil }); err == nil {
		t.Error("no error for a missing folder")
	}
}

func TestAblate(t *testing.T) {
	w := newWorld(t)
	out := filepath.Join(w.dir, "ablation")
	args := append([]string{"train-alexnet", "ablate", "--out", out, "--parts", "lrn,overlap", "--seeds", "2"}, w.args("")[1:]...)
	args = append(args, "--epochs", "2")
	args = append(args[:12], args[14:]...) // without --run
	r := call(args...)
	r.must(t, 0, "| whole |", "| without lrn |", "+0.4 / +0.3", "ablation 6 of 6")
	for _, name := range []string{ablationTable, ablationJSON, ablationPicture, "whole-seed3/run.json", "overlap-seed4/run.json"} {
		exists(t, filepath.Join(out, name))
	}
	record, err := readRun(filepath.Join(out, "overlap-seed4"))
	if err != nil || record.Net.Name != "test-no-overlap" || record.Finished == "" {
		t.Errorf("%+v, %v", record, err)
	}
	before := read(t, filepath.Join(out, "lrn-seed3", metricsName))
	again := call(args...)
	again.must(t, 0)
	if again.stdout != r.stdout || read(t, filepath.Join(out, "lrn-seed3", metricsName)) != before || strings.Contains(again.stderr, "epoch 1/2") {
		t.Errorf("done runs were run again:\n%s", again.stderr)
	}
	call(append(args, "--parts", "magic")...).must(t, 2, "--parts magic: want lrn")
	call(append(args, "--parts", "pca")...).must(t, 2, "without --pca FILE")
}
