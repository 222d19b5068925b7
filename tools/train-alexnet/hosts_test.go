//go:build unix

package main

import (
	"encoding/binary"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"alexnet/engine/train"
	"alexnet/tools/internal/ranks/rankstest"
)

// gradientBytes is the size of a step's gradients, as float32: half of a
// checkpoint's arrays, which are the weights and their momentum.
func gradientBytes(checkpoint string) int64 {
	header := binary.LittleEndian.Uint64([]byte(checkpoint))
	return (int64(len(checkpoint)) - 8 - int64(header)) / 2
}

// TestTrainOnHosts trains on two hosts, with one and two ranks each: the weights
// are those of one process that accumulates as many pieces, and the gradients
// have crossed the network.
func TestTrainOnHosts(t *testing.T) {
	if testing.Short() {
		t.Skip("starts many processes")
	}
	hosts := rankstest.NewHosts(t, 2)
	w := newWorld(t)
	for _, launcher := range rankstest.HostLaunchers {
		for _, perHost := range []int{1, 2} {
			n := 2 * perHost
			t.Run(fmt.Sprint(launcher, " ", n), func(t *testing.T) {
				dir := filepath.Join(t.TempDir(), "run")
				before := []int64{hosts.Sent(0), hosts.Sent(1)}
				out, err := hosts.Run(t, launcher, perHost, w.args(dir, "--steps", "13", "--batch", "8", "--threads", "1")[1:]...)
				if err != nil || !strings.Contains(out, fmt.Sprintf("%d ranks: %d on host0, %d on host1", n, perHost, perHost)) {
					t.Fatalf("%v\n%s", err, out)
				}
				alone := filepath.Join(t.TempDir(), "pieces")
				call(w.args(alone, "--steps", "13", "--batch", "8", "--accumulate", strconv.Itoa(n))...).must(t, 0)
				if saved(t, dir, 13) != saved(t, alone, 13) {
					t.Errorf("other weights than one process with --accumulate %d", n)
				}
				for i := range hosts.Names {
					// Each rank sends every rank of the other host its share of the gradients,
					// before the sums come back.
					if got, want := hosts.Sent(i)-before[i], 13*gradientBytes(saved(t, dir, 13)); got < want {
						t.Errorf("%s has sent %d bytes over the network, want at least %d", hosts.Names[i], got, want)
					}
				}
			})
		}
	}
}

// TestCableOut pulls out a host's cable in mid-run: the job ends, after saying
// who is missing, and no rank is left on either side; what was saved is there, and
// the job goes on to the bytes of one that wasn't disturbed. Open MPI has to
// notice before the ranks do: once it has told an unreachable daemon to end its
// ranks, it waits for TCP to give up, a quarter of an hour.
func TestCableOut(t *testing.T) {
	if testing.Short() {
		t.Skip("starts many processes")
	}
	hosts := rankstest.NewHosts(t, 2)
	w := newWorld(t)
	whole := filepath.Join(w.dir, "whole")
	call(w.args(whole, "--steps", "40", "--accumulate", "2")...).must(t, 0)
	for _, c := range []struct{ launcher, timeout, says string }{
		{"mpirun.openmpi", "10s", "on node host1"},
		{rankstest.NewMPICH, "2s", "rank 1 on host1 did not come to "},
	} {
		t.Run(c.launcher, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "run")
			pulled := make(chan time.Time, 1)
			go func() {
				defer close(pulled)
				if firstCheckpoint(dir) {
					hosts.Plug(1, false)
					pulled <- time.Now()
				}
			}()
			out, err := hosts.Run(t, c.launcher, 1, w.args(dir, "--steps", "40", "--checkpoint-every", "1", "--threads", "1", "--rank-timeout", c.timeout)[1:]...)
			ended := time.Now()
			at, ok := <-pulled
			if !ok {
				t.Fatalf("the job wrote no checkpoint:\n%s", out)
			}
			if err == nil || !strings.Contains(out, c.says) {
				t.Errorf("%v: nobody says %q:\n%s", err, c.says, out)
			}
			if d := ended.Sub(at); d > 20*time.Second {
				t.Errorf("the job took %v to end", d)
			}
			for deadline := ended.Add(20 * time.Second); len(children(t, dir)) > 0; time.Sleep(10 * time.Millisecond) {
				if time.Now().After(deadline) {
					t.Fatalf("ranks %v go on by themselves", children(t, dir))
				}
			}
			hosts.Plug(1, true)
			if out, err := hosts.Run(t, c.launcher, 1, "--run", dir, "--resume"); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			if saved(t, dir, 40) != saved(t, whole, 40) {
				t.Error("the weights differ from those of a job that wasn't disturbed")
			}
		})
	}
}

// firstCheckpoint waits for a run's first checkpoint.
func firstCheckpoint(dir string) bool {
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if found, _ := filepath.Glob(filepath.Join(dir, train.CheckpointsName, "step-*.safetensors")); len(found) > 0 {
			return true
		}
	}
	return false
}
