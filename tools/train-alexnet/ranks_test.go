//go:build unix

package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"alexnet/engine/train"
	"alexnet/tools/internal/ranks/rankstest"
)

// TestTrainOnRanks trains on two and three ranks of either MPI: the weights are
// those of one process that accumulates as many pieces, to the byte. Then the
// job goes on with another number of ranks, which is the same as going on with
// another number of pieces.
func TestTrainOnRanks(t *testing.T) {
	if testing.Short() {
		t.Skip("starts many processes")
	}
	w := newWorld(t)
	changes := []string{"--steps", "13", "--changes", `[{"after": 1, "lr": 0.01, "freeze": "conv1", "jitter": "0.2,0.2,0.2"}]`} // at step 10
	for _, launcher := range rankstest.Launchers {
		for _, n := range []int{2, 3} {
			t.Run(fmt.Sprint(launcher, " ", n), func(t *testing.T) {
				dir := filepath.Join(t.TempDir(), "run")
				out, err := rankstest.Run(t, launcher, n, w.args(dir, append(changes, "--threads", "1")...)[1:]...)
				if err != nil || strings.Count(out, "after 13 steps") != 1 || !strings.Contains(out, fmt.Sprint(n, " ranks: ")) {
					t.Fatalf("%v\n%s", err, out)
				}
				alone := filepath.Join(t.TempDir(), "pieces")
				call(w.args(alone, append(changes, "--accumulate", strconv.Itoa(n))...)...).must(t, 0)
				if saved(t, dir, 13) != saved(t, alone, 13) {
					t.Errorf("other weights than one process with --accumulate %d", n)
				}
				// Elastic: on with one rank less, or one process.
				call("train-alexnet", "--run", alone, "--resume", "--steps", "22", "--accumulate", strconv.Itoa(n-1)).must(t, 0)
				if out, err := rankstest.Run(t, launcher, n-1, "--run", dir, "--resume", "--steps", "22"); err != nil {
					t.Fatalf("%v\n%s", err, out)
				}
				if saved(t, dir, 22) != saved(t, alone, 22) {
					t.Errorf("after going on with %d ranks: other weights than with --accumulate %d", n-1, n-1)
				}
			})
		}
	}
}

// TestResumeKeepsWire: a run of ranks goes on with the wire format it was begun
// with, to the bytes of one that wasn't stopped.
func TestResumeKeepsWire(t *testing.T) {
	if testing.Short() {
		t.Skip("starts many processes")
	}
	w := newWorld(t)
	whole, stopped, narrow := filepath.Join(w.dir, "whole"), filepath.Join(w.dir, "stopped"), []string{"--threads", "1", "--wire", "bf16", "--steps"}
	for _, args := range [][]string{
		w.args(whole, append(narrow, "22")...)[1:],
		w.args(stopped, append(narrow, "13")...)[1:],
		{"--run", stopped, "--resume", "--steps", "22"},
	} {
		if out, err := rankstest.Run(t, rankstest.Launchers[0], 2, args...); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	if saved(t, stopped, 22) != saved(t, whole, 22) {
		t.Error("other weights than a run that wasn't stopped")
	}
}

// saved is the checkpoint after so many steps.
func saved(t *testing.T, dir string, step int) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, train.CheckpointsName, fmt.Sprintf("step-%09d.safetensors", step)))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// children are the ranks that were started with dir in their command line.
func children(t *testing.T, dir string) []int {
	t.Helper()
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	var pids []int
	for _, path := range lines {
		text, err := os.ReadFile(path)
		if err != nil || !bytes.Contains(text, []byte(dir)) || !bytes.HasPrefix(text, []byte(os.Args[0])) {
			continue
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

// A rank that is killed in mid-step, or stopped so that it hangs, takes the job
// down; what was saved is there, and the job goes on to the bytes of one that
// wasn't disturbed.
func TestRankLost(t *testing.T) {
	if testing.Short() {
		t.Skip("starts many processes")
	}
	w := newWorld(t)
	whole := filepath.Join(w.dir, "whole")
	call(w.args(whole, "--steps", "30", "--accumulate", "2")...).must(t, 0)
	for _, launcher := range rankstest.Launchers {
		for _, signal := range []syscall.Signal{syscall.SIGKILL, syscall.SIGSTOP} {
			t.Run(fmt.Sprint(launcher, " ", signal), func(t *testing.T) {
				dir := filepath.Join(t.TempDir(), "run")
				args := w.args(dir, "--steps", "30", "--checkpoint-every", "1", "--threads", "1", "--rank-timeout", "2s")[1:]
				struck := make(chan int, 1)
				go func() {
					defer close(struck)
					for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
						found, _ := filepath.Glob(filepath.Join(dir, train.CheckpointsName, "step-*.safetensors"))
						if pids := children(t, dir); len(found) > 0 && len(pids) == 2 {
							struck <- pids[1]
							syscall.Kill(pids[1], signal)
							return
						}
					}
				}()
				began := time.Now()
				out, err := rankstest.Run(t, launcher, 2, args...)
				took := time.Since(began)
				pid, ok := <-struck
				if !ok {
					t.Fatalf("no rank was there to be struck:\n%s", out)
				}
				syscall.Kill(pid, syscall.SIGKILL) // a stopped one doesn't die of less
				if err == nil {
					t.Fatalf("the job succeeded without rank %d:\n%s", 1, out)
				}
				if took > 45*time.Second {
					t.Errorf("the job took %v to end", took)
				}
				if signal == syscall.SIGSTOP && !strings.Contains(out, "did not come to") {
					t.Errorf("nobody names the rank that hangs:\n%s", out)
				}
				if out, err := rankstest.Run(t, launcher, 2, "--run", dir, "--resume"); err != nil {
					t.Fatalf("%v\n%s", err, out)
				}
				if saved(t, dir, 30) != saved(t, whole, 30) {
					t.Error("the weights differ from those of a job that wasn't disturbed")
				}
			})
		}
	}
}

func TestRanksAndSettings(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct{ args, want string }{
		{"--batch 7", "--batch 7 counts the pictures of all ranks"},
		{"--wire fp64", "--wire fp64: want fp32 or bf16"},
	} {
		out, err := rankstest.Run(t, rankstest.Launchers[0], 2, w.args(filepath.Join(t.TempDir(), "run"), strings.Fields(c.args)...)[1:]...)
		if err == nil || !strings.Contains(out, c.want) {
			t.Errorf("%s: %v\n%s", c.args, err, out)
		}
	}
}

// Schedulers tell all ranks at once to stop: they stop after the same step, and
// none ends the job while rank 0 saves.
func TestRanksStopped(t *testing.T) {
	if testing.Short() {
		t.Skip("starts many processes")
	}
	w := newWorld(t)
	whole := filepath.Join(w.dir, "whole")
	call(w.args(whole, "--steps", "60", "--accumulate", "2")...).must(t, 0)
	for _, launcher := range rankstest.Launchers {
		t.Run(launcher, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "run")
			go func() {
				if firstCheckpoint(dir) {
					for _, pid := range children(t, dir) {
						_ = syscall.Kill(pid, syscall.SIGTERM)
					}
				}
			}()
			out, err := rankstest.Run(t, launcher, 2, w.args(dir, "--steps", "60", "--checkpoint-every", "1", "--threads", "1")[1:]...)
			if err == nil || strings.Count(out, "go on with: ") != 1 || strings.Contains(out, "ends the job") {
				t.Fatalf("%v\n%s", err, out)
			}
			if out, err := rankstest.Run(t, launcher, 2, "--run", dir, "--resume"); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			if saved(t, dir, 60) != saved(t, whole, 60) {
				t.Error("the weights differ from those of a job that wasn't stopped")
			}
		})
	}
}

// Ranks that were started otherwise than rank 0, or on other data, don't begin: the
// job says which flags differ, once on rank 0, and ends with the code of bad usage.
func TestRanksStartedOtherwise(t *testing.T) {
	if testing.Short() {
		t.Skip("starts many processes")
	}
	w := newWorld(t)
	other := filepath.Join(w.dir, "other")
	makeShards(t, other, "train", 3, 23)
	for _, launcher := range rankstest.Launchers {
		t.Run(launcher, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "run")
			right := w.args(dir, "--steps", "3", "--rank-timeout", "8s", "--threads", "1")[1:]
			differ := append(w.args(dir+"2", "--steps", "3", "--rank-timeout", "9s", "--threads", "2", "--lr", "0.5", "--seed", "7")[1:], "--train", other)
			out, err := rankstest.RunEach(t, launcher, right, differ)
			for _, flag := range []string{"--lr is ", "--seed is ", "--run is ", "--train is ", `"0.5" on rank 1`, `"7" on rank 1`} {
				if !strings.Contains(out, flag) {
					t.Errorf("nobody says %q:\n%s", flag, out)
				}
			}
			said := 1
			if launcher == rankstest.TCP {
				said = 2 // a rank that is turned away says it too
			}
			if n := strings.Count(out, "the ranks have not been started alike"); n != said || err == nil || strings.Contains(out, "--threads") || strings.Contains(out, "--rank-timeout is") {
				t.Errorf("said %d times, want %d; %v\n%s", n, said, err, out)
			}
			if code := exitCode(err); code != 2 {
				t.Errorf("exit code %d, want 2\n%s", code, out)
			}
			if _, err := os.Stat(dir); err == nil {
				t.Error("a run folder was made")
			}
		})
	}
}

// exitCode is that of a launcher, or of a rank.
func exitCode(err error) int {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode()
	}
	return -1
}
