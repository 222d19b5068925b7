package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"alexnet/engine/train/report"
)

func TestRuns(t *testing.T) {
	w := newWorld(t)
	runs := filepath.Join(w.dir, "runs")
	call(w.args(filepath.Join(runs, "good"))...).must(t, 0)
	call(w.args(filepath.Join(runs, "bad"), "--lr", "1e-9", "--steps", "15")...).must(t, 0)
	call(w.args(filepath.Join(runs, "blind"), "--val", "", "--steps", "4")...).must(t, 0)
	r := call("train-alexnet", "runs", runs)
	r.must(t, 0)
	lines := strings.Split(strings.TrimSpace(r.stdout), "\n")
	if len(lines) != 4 || !strings.Contains(lines[1], "/good ") || !strings.Contains(lines[2], "/bad ") || !strings.Contains(lines[3], "/blind ") {
		t.Errorf("want good, bad, blind:\n%s", r.stdout)
	}
	for i, want := range []string{"done", "lr=1e-9 steps=15", "val=–"} {
		if !strings.Contains(lines[i+1], want) {
			t.Errorf("no %q in %s", want, lines[i+1])
		}
	}
	var out struct{ Runs []report.RunSummary }
	j := call("train-alexnet", "runs", "--json", filepath.Join(runs, "good"), filepath.Join(runs, "bad"))
	if err := json.Unmarshal([]byte(j.stdout), &out); err != nil || len(out.Runs) != 2 || out.Runs[0].Step != 80 || out.Runs[1].Step != 15 {
		t.Errorf("%v, %+v", err, out)
	}
	call("train-alexnet", "runs").must(t, 2, "at least one run folder")
	call("train-alexnet", "runs", w.dir).must(t, 1, "holds no run")
}

// What training writes for TensorBoard is what it writes to metrics.jsonl.
func TestTensorBoard(t *testing.T) {
	python := os.Getenv("PEERS_PYTHON")
	if python == "" {
		t.Skip("PEERS_PYTHON names no Python with the package tensorboard")
	}
	w := newWorld(t)
	dir := filepath.Join(w.dir, "run")
	call(w.args(dir, "--steps", "17")...).must(t, 0)
	call("train-alexnet", "--run", dir, "--resume", "--steps", "25").must(t, 0)
	const script = `import sys, json
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
out = {}
for split in ("train", "val"):
    a = EventAccumulator(sys.argv[1] + "/" + split); a.Reload()
    out[split] = [[e.step, e.value] for e in a.Scalars("loss")]
print(json.dumps(out))`
	text, err := exec.Command(python, "-c", script, filepath.Join(dir, "tensorboard")).Output()
	if err != nil {
		t.Fatal(err)
	}
	var got map[string][][2]float64
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	at := map[string]int{}
	for _, m := range metricsOf(t, dir) {
		i := at[m.Split]
		at[m.Split]++
		if i >= len(got[m.Split]) || got[m.Split][i][0] != float64(m.Step) || float32(got[m.Split][i][1]) != float32(m.Loss) {
			t.Errorf("%s step %d, loss %v: TensorBoard reads %v", m.Split, m.Step, m.Loss, got[m.Split])
		}
	}
	if len(got["train"]) != at["train"] || len(got["val"]) != 2 {
		t.Errorf("TensorBoard reads %v", got)
	}
}
