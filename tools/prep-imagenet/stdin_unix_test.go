//go:build unix

package main

import (
	"os"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestPolledInput reads a parent's lines without a thread that waits in the system:
// only such files can have deadlines.
func TestPolledInput(t *testing.T) {
	var fds [2]int // as a parent makes them: os.Pipe's are polled already
	if err := syscall.Pipe(fds[:]); err != nil {
		t.Fatal(err)
	}
	in, out := os.NewFile(uintptr(fds[0]), "in"), os.NewFile(uintptr(fds[1]), "out")
	defer in.Close()
	defer out.Close()
	if err := in.SetReadDeadline(time.Now()); err == nil {
		t.Fatal("the runtime polls the pipe from the beginning")
	}
	p, restore := polled(in)
	defer p.Close()
	if err := p.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := out.WriteString("line"); err != nil {
		t.Fatal(err)
	}
	var line [8]byte
	if n, err := p.Read(line[:]); err != nil || string(line[:n]) != "line" {
		t.Errorf("read %q, %v", line[:n], err)
	}
	out.Close()
	if n, err := p.Read(line[:]); n != 0 || err == nil {
		t.Errorf("read %d bytes behind the end, %v", n, err)
	}

	restore()
	if flags, err := unix.FcntlInt(uintptr(fds[0]), unix.F_GETFL, 0); err != nil || flags&unix.O_NONBLOCK != 0 {
		t.Errorf("the parent's pipe has the flags %#x, %v", flags, err)
	}

	file, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if p, _ := polled(file); p != file {
		t.Error("what is no pipe is opened once more")
	}
}
