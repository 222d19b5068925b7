package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// script is a peer in shell.
func script(t *testing.T, text string) *peer {
	name := filepath.Join(t.TempDir(), "peer")
	if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	p := &peer{name: "test", job: &loaderJob{python: "/bin/sh", peers: name, time: time.Second}}
	t.Cleanup(p.end)
	return p
}

// TestPeerPauses: what a peer has started goes on in its turns, not between them, and
// ends with the peer. Each turn here ends when such a worker has done something.
func TestPeerPauses(t *testing.T) {
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		t.Skip("looks into /proc")
	}
	beats := filepath.Join(t.TempDir(), "beats")
	p := script(t, `( while :; do echo beat >>"`+beats+`"; sleep 0.005; done ) &
echo '{"first":0.25}'
while read limit; do
	n=$(wc -c <"`+beats+`")
	while [ "$(wc -c <"`+beats+`")" = "$n" ]; do sleep 0.01; done
	echo '{"images":10,"seconds":1}'; done`)
	length := func() int64 {
		info, err := os.Stat(beats)
		if err != nil {
			return 0
		}
		return info.Size()
	}
	for range 2 {
		got, err := p.turn(context.Background())
		if err != nil || got.Images != 10 || got.First != 0.25 {
			t.Fatalf("%+v, %v", got, err)
		}
		paused := length()
		time.Sleep(50 * time.Millisecond)
		if length() > paused+int64(len("beat\n")) { // one may have been on its way
			t.Error("its worker went on behind its turn")
		}
	}
	pids := descendants(p.command.Process.Pid)
	if len(pids) < 2 {
		t.Fatalf("the peer has processes %v", pids)
	}
	p.end()
	for _, pid := range pids {
		for end := time.Now().Add(5 * time.Second); running(pid); time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("process %d is left", pid)
			}
		}
	}
}

// running reports whether a process has not ended; its parent may not know yet.
func running(pid int) bool {
	stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	return err == nil && !strings.Contains(string(stat), ") Z ")
}

// TestPeerTrouble: a peer that fails says why; one that never ends a line takes no
// memory for it, and is ended.
func TestPeerTrouble(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"echo first >&2; echo no module named x >&2; exit 3", "no module named x"},
		{"exec tr '\\0' x </dev/zero", "a line without an end"},
		{"while :; do echo xxxxxxxxxxxxxxx; done >&2 & sleep 0.1; kill $!; exit 1", "xxxxxxxxxxxxxxx"},
	} {
		p := script(t, c.text)
		if _, err := p.turn(context.Background()); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.text, err)
		}
		if len(p.errs.kept) > 4096 {
			t.Errorf("%d bytes of messages are kept", len(p.errs.kept))
		}
	}
}

// TestOutput: a program's output is bounded, and its last message is the error's.
func TestOutput(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"tr '\\0' x </dev/zero", "over 1 MiB"}, {"echo one >&2; echo two >&2; exit 1", "exit status 1: two"}, {"echo '{}'", ""},
	} {
		out, err := output(exec.Command("/bin/sh", "-c", c.text))
		if c.want == "" && (err != nil || string(out) != "{}\n") || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %q, %v", c.text, out, err)
		}
	}
}
