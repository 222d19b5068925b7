//go:build unix

package main

import (
	"bufio"
	"io"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"alexnet/tools/internal/command"
)

// await reads lines until one has the word.
func await(t *testing.T, lines *bufio.Scanner, word string) {
	t.Helper()
	for lines.Scan() {
		if strings.Contains(lines.Text(), word) {
			return
		}
	}
	t.Fatalf("no %q", word)
}

// A terminal that closes sends SIGHUP, often twice and with a SIGTERM, and takes
// the readers of our output along: the run is saved all the same.
func TestHangUpSaves(t *testing.T) {
	if signal.Ignored(syscall.SIGHUP) {
		t.Skip("this process ignores hang-ups, as under nohup, and so would the command")
	}
	w := newWorld(t)
	dir := filepath.Join(w.dir, "run")
	p := process(w.args(dir, "--epochs", "100000", "--log-every", "1", "--threads", "1")[1:]...)
	stderr, err := p.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(stderr)
	await(t, lines, "step 7/")
	for i, s := range []syscall.Signal{syscall.SIGHUP, syscall.SIGHUP, syscall.SIGTERM, syscall.SIGHUP} {
		if err := p.Process.Signal(s); err != nil && i == 0 { // later it may have ended
			t.Fatal(err)
		}
		if i == 0 {
			await(t, lines, "stopping")
		}
	}
	stderr.Close()
	p.Wait()
	if code := p.ProcessState.ExitCode(); code != command.Interrupted {
		t.Fatalf("%v, want exit code %d", p.ProcessState, command.Interrupted)
	}
	if got := latestStep(t, dir); got < 7 {
		t.Errorf("saved at step %d, want 7 or later", got)
	}
}

// Under nohup a hang-up changes nothing.
func TestNoHangUp(t *testing.T) {
	w := newWorld(t)
	dir := filepath.Join(w.dir, "run")
	p := process(w.args(dir, "--steps", "40", "--log-every", "1", "--threads", "1")[1:]...)
	shell, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("no shell")
	}
	p.Args = append([]string{"sh", "-c", `trap "" HUP; exec "$0" "$@"`}, p.Args...)
	p.Path = shell
	stderr, err := p.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(stderr)
	await(t, lines, "step 7/")
	if err := p.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	rest, _ := io.ReadAll(stderr)
	if err := p.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, rest)
	}
	if got := latestStep(t, dir); got != 40 {
		t.Errorf("ended at step %d, want 40", got)
	}
}
