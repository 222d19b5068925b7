package main

import (
	"image/png"
	"os"
	"path/filepath"
	"testing"
	"time"

	"alexnet/engine/train"
)

// TestFindLR: the picture lies in the folder of the run, which can be begun there.
func TestFindLR(t *testing.T) {
	w := newWorld(t)
	run := filepath.Join(w.dir, "run")
	call(w.args(run, "--find-lr")...).must(t, 0, "find-lr.png", " --lr ")
	f, err := os.Open(filepath.Join(run, "find-lr.png"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if img, err := png.Decode(f); err != nil || img.Bounds().Dx() < 400 {
		t.Fatalf("%v", err)
	}
	call(w.args(run, "--epochs", "1")...).must(t, 0)
	call("train-alexnet", "--run", run, "--resume", "--find-lr").must(t, 1, "give another --run")
}

// TestFinishing: Ctrl-C says what it waits for, and how long where that is worth a word.
func TestFinishing(t *testing.T) {
	var o observer
	for d, want := range map[time.Duration]string{
		0: "", time.Second: "finishing this step", 10 * time.Second: "finishing this step, about 10 s", 90 * time.Second: "finishing this step, about 1m30s",
	} {
		o.step.Store(int64(d))
		if got := o.finishing(); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
	p := train.Progress{Event: train.Validated}
	if f := p.Forms(); len(f) != 3 || f[2] != "0/0  validation error 0.0 %" {
		t.Errorf("forms %q", f)
	}
}
