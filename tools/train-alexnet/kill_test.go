package main

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"alexnet/engine/train"
	"alexnet/engine/train/report"
)

// A run that is killed thirty times, while it trains, validates and writes a
// checkpoint at every step, ends with the bytes of one that wasn't.
func TestThirtyKills(t *testing.T) {
	const kills, length = 30, 40
	w := newWorld(t)
	whole, dir := filepath.Join(w.dir, "whole"), filepath.Join(w.dir, "killed")
	changes := []string{"--changes", `[{"after": 1, "lr": 0.01, "layer-rates": "conv1=0.5"}, {"below": 1, "momentum": 0.8}, {"after": 3, "freeze": "conv1"}]`}
	call(w.args(whole, append(changes, "--steps", fmt.Sprint(length))...)...).must(t, 0)
	args := w.args(dir, append(changes, "--steps", fmt.Sprint(length), "--checkpoint-every", "1", "--log-every", "1", "--threads", "1", "--autoresume")...)[1:]
	r := rand.New(rand.NewPCG(30, 1))
	killed := 0
	for killed < kills {
		p := process(args...)
		stderr, err := p.StderrPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Start(); err != nil {
			t.Fatal(err)
		}
		// Some die before anything is written, the others up to 8 ms after a
		// step: that is forward, backward, update and a checkpoint.
		lines := bufio.NewScanner(stderr)
		var text strings.Builder
		for want := r.IntN(8) > 0; want && lines.Scan(); {
			text.WriteString(lines.Text() + "\n")
			want = !strings.Contains(lines.Text(), "step ")
		}
		time.Sleep(time.Duration(r.IntN(8000)) * time.Microsecond)
		p.Process.Kill()
		p.Wait()
		switch code := p.ProcessState.ExitCode(); code {
		case -1:
			killed++
		case 0: // it was faster
			t.Fatalf("the run ended after %d kills", killed)
		default:
			t.Fatalf("after %d kills: exit code %d\n%s", killed, code, text.String())
		}
	}
	call("train-alexnet", "--run", dir, "--resume").must(t, 0, fmt.Sprintf("after %d steps", length))
	if final(t, dir) != final(t, whole) {
		t.Errorf("the weights after %d kills differ from the uninterrupted run's", killed)
	}
	if s := steps(t, dir, "train"); len(s) != length || s[length-1] != length {
		t.Errorf("metrics.jsonl has steps %v", s)
	}
	leftovers, err := filepath.Glob(filepath.Join(dir, train.CheckpointsName, "*.tmp"))
	if err != nil || len(leftovers) > 0 {
		t.Errorf("half-written files %v, %v", leftovers, err)
	}
	if _, err := os.Stat(filepath.Join(dir, report.PageName)); err != nil {
		t.Error(err)
	}
}
