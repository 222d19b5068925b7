package main

import (
	"encoding/json"
	"errors"
	"math"
	"os/exec"
	"strings"
	"testing"

	"alexnet/engine/train/bench"
	"alexnet/tools/internal/command"
	"alexnet/tools/internal/ranks/rankstest"
)

// TestBenchOnRanks counts what rank 0 of two sends in a step of 4 pictures a rank.
func TestBenchOnRanks(t *testing.T) {
	// Of a sum's values a rank sends as many as there are: half to the other, and
	// back its half of the sum. fc3 has 16 units and reads 72 values.
	const conv, fc3, fc4, flag = 8*75 + 8 + 8*36 + 8, 16*72 + 16, 3*16 + 3, 1
	for parallel, values := range map[string]int{
		"data": conv + fc3 + fc4 + flag,
		// What fc3 reads, its gradient; its output to the owners of the pictures, and back.
		"hybrid": conv + fc4 + flag + 4*72 + 4*72 + 4*8 + 4*8,
	} {
		w := newWorld(t)
		out, err := rankstest.Run(t, rankstest.Launchers[0], 2, "bench", "--net", w.net, "--classes", "3", "--batch", "8", "--steps", "2", "--devices", "cpu", "--json", "--parallel", parallel)
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		var r bench.Result
		if err := json.Unmarshal([]byte(out), &r); err != nil || r.Ranks == nil {
			t.Fatalf("%v\n%s", err, out)
		}
		if sent := r.Ranks.SentMB * 1e6; math.Abs(sent-float64(4*values)) > .5 {
			t.Errorf("%s: %g bytes sent in a step, want %d", parallel, sent, 4*values)
		}
		if r.Ranks.Step <= 0 || r.Ranks.Compute <= 0 || r.Ranks.Exchange <= 0 || r.Ranks.Hidden < 0 || r.Ranks.Hidden > 1 {
			t.Errorf("%s: %+v", parallel, *r.Ranks)
		}
	}
}

// What is asked for wrongly is so on every rank.
func TestBenchUsage(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct{ args, want string }{
		{"--batch 7", "--batch 7 counts the pictures of all ranks"},
		{"--precision fp7", "--precision"},
	} {
		args := append([]string{"bench", "--net", w.net, "--classes", "3", "--devices", "cpu"}, strings.Fields(c.args)...)
		out, err := rankstest.Run(t, rankstest.TCP, 2, args...)
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != command.BadUsage || strings.Count(out, c.want) != 1 || strings.Contains(out, "ends the job") {
			t.Errorf("%s: %v\n%s", c.args, err, out)
		}
	}
}
