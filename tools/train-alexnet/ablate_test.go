package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"alexnet/engine/train"
	"alexnet/engine/train/ablate"
	"alexnet/internal/file"
)

func TestAblate(t *testing.T) {
	w := newWorld(t)
	out := filepath.Join(w.dir, "ablation")
	args := append([]string{"train-alexnet", "ablate", "--out", out, "--parts", "lrn,overlap", "--seeds", "2"}, w.args("")[1:]...)
	args = append(args, "--epochs", "2")
	args = append(args[:12], args[14:]...) // without --run
	r := call(args...)
	r.must(t, 0, "| whole |", "| without lrn |", "+0.39 / +0.30", "ablation 6 of 6")
	for _, name := range []string{ablate.TableName, ablate.FiguresName, ablate.PictureName, "whole-seed3/run.json", "overlap-seed4/run.json"} {
		exists(t, filepath.Join(out, name))
	}
	record, err := train.ReadRecord(filepath.Join(out, "overlap-seed4"))
	if err != nil || record.Net.Name != "test-no-overlap" || record.Finished == "" {
		t.Errorf("%+v, %v", record, err)
	}
	before := read(t, filepath.Join(out, "lrn-seed3", train.MetricsName))
	again := call(args...)
	again.must(t, 0)
	if again.stdout != r.stdout || read(t, filepath.Join(out, "lrn-seed3", train.MetricsName)) != before || strings.Contains(again.stderr, "epoch 1/2") {
		t.Errorf("done runs were run again:\n%s", again.stderr)
	}
	folder := filepath.Join(out, "whole-seed3")
	lock, err := os.OpenFile(filepath.Join(folder, train.LockName), os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		t.Fatal(err)
	}
	if mine, err := file.TryLock(lock); err == nil && mine { // as another process that trains it
		if err := os.Remove(filepath.Join(folder, "run.json")); err != nil {
			t.Fatal(err)
		}
		busy := call(args...)
		if busy.must(t, 1, folder+" is in use by process", "give another --out"); strings.Contains(busy.stderr, "--run") {
			t.Error(busy.stderr) // ablate has no such flag
		}
	}
	if err := errors.Join(lock.Close(), os.WriteFile(filepath.Join(folder, "picture.jpg"), nil, 0o666)); err != nil {
		t.Fatal(err)
	}
	call(args...).must(t, 2, "--out "+folder+" holds picture.jpg, so it is no folder for a run")
	call(append(args, "--parts", "magic")...).must(t, 2, "--parts magic: want lrn")
	call(append(args, "--parts", "pca")...).must(t, 2, "without --pca FILE")
}
