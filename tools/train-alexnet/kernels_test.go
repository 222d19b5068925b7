package main

import (
	"path/filepath"
	"strings"
	"testing"

	"alexnet/engine"
	"alexnet/engine/devices"
	"alexnet/engine/train"
)

// TestOtherKernels: a run and its checkpoints record the set of kernels, and going
// on with another one is said once, with what holds the bits.
func TestOtherKernels(t *testing.T) {
	best, err := devices.ChosenKernels("cpu", devices.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if best == "portable" {
		t.Skip("this machine has one set of kernels")
	}
	w := newWorld(t)
	dir := filepath.Join(w.dir, "run")
	call(w.args(dir, "--steps", "2", "--kernels", "portable")...).must(t, 0)
	const said = "trained with the kernels portable"
	r := call("train-alexnet", "--run", dir, "--resume", "--steps", "4")
	if r.must(t, 0); strings.Contains(r.stderr, said) {
		t.Errorf("the same kernels, and yet: %s", r.stderr)
	}
	r = call("train-alexnet", "--run", dir, "--resume", "--steps", "6", "--kernels", "auto")
	if r.must(t, 0); strings.Count(r.stderr, said+" and goes on with "+best) != 1 || !strings.Contains(r.stderr, "--kernels portable holds them") {
		t.Errorf("other kernels, and only: %s", r.stderr)
	}
	record, err := train.ReadRecord(dir)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"portable", "portable", best} {
		if got := record.Sessions[i].Kernels; got != want {
			t.Errorf("session %d computed with %q, want %q", i, got, want)
		}
	}
	path, err := engine.Checkpoints{Dir: filepath.Join(dir, train.CheckpointsName)}.Latest()
	if err != nil {
		t.Fatal(err)
	}
	c, err := engine.OpenCheckpoint(path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if c.Kernels != best {
		t.Errorf("the checkpoint says %q, want %q", c.Kernels, best)
	}
}
