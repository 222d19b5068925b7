package main

import (
	"encoding/json"
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"alexnet/engine/train"
	"alexnet/tools/internal/ranks/rankstest"
)

// TestTrainHybrid trains with the fully connected layer split over two and four
// ranks of either MPI: the loss curve and the validations are those of one
// process, to rounding, and one process evaluates the checkpoint to the error
// that the ranks have written, and goes on from it.
func TestTrainHybrid(t *testing.T) {
	if testing.Short() {
		t.Skip("starts many processes")
	}
	w := newWorld(t)
	alone := filepath.Join(w.dir, "alone")
	call(w.args(alone, "--epochs", "3", "--batch", "8")...).must(t, 0)
	for _, launcher := range rankstest.Launchers {
		for _, n := range []int{2, 4} {
			t.Run(fmt.Sprint(launcher, " ", n), func(t *testing.T) {
				dir := filepath.Join(t.TempDir(), "run")
				out, err := rankstest.Run(t, launcher, n, w.args(dir, "--epochs", "3", "--batch", "8", "--threads", "1", "--parallel", "hybrid")[1:]...)
				if err != nil {
					t.Fatalf("%v\n%s", err, out)
				}
				want, got := metricsOf(t, alone), metricsOf(t, dir)
				if len(got) != len(want) || len(got) < 6 {
					t.Fatalf("%d lines of metrics, alone %d", len(got), len(want))
				}
				for i, m := range got {
					if math.Abs(m.Loss-want[i].Loss) > 1e-4 || m.Step != want[i].Step || m.Top1Error != want[i].Top1Error {
						t.Errorf("%+v\nalone %+v", m, want[i])
					}
				}
				last := got[len(got)-1]
				r := call("train-alexnet", "eval", "--checkpoint", filepath.Join(dir, train.CheckpointsName, fmt.Sprintf("step-%09d.safetensors", last.Step)), "--data", w.val, "--json")
				r.must(t, 0)
				var score struct {
					Loss float64 `json:"loss"`
				}
				if err := json.Unmarshal([]byte(r.stdout), &score); err != nil {
					t.Fatal(err)
				}
				if last.Split != "val" || math.Abs(score.Loss-last.Loss) > 1e-5 {
					t.Errorf("evaluated alone: loss %g, on ranks %+v", score.Loss, last)
				}
				call("train-alexnet", "--run", dir, "--resume", "--epochs", "4").must(t, 0, "all epochs are done after 28 steps")
			})
		}
	}
}

func TestHybridAndSettings(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct{ args, want string }{
		{"--parallel model", "--parallel model: want data or hybrid"},
		{"--parallel hybrid --accumulate 2", "--parallel hybrid computes whole batches: leave --accumulate out"},
		{"--parallel hybrid --devices cpu,cpu", "give every rank one device, not 2"},
		{"--parallel hybrid --devices cpu,cpu --plan", "give every rank one device, not 2"},
	} {
		out, err := rankstest.Run(t, rankstest.Launchers[0], 2, w.args(filepath.Join(t.TempDir(), "run"), strings.Fields(c.args+" --batch 8")...)[1:]...)
		if err == nil || strings.Count(out, c.want) != 1 || strings.Contains(out, "ends the job") {
			t.Errorf("%s: %v\n%s", c.args, err, out)
		}
	}
}
