//go:build unix

package source

import (
	"net"
	"syscall"
	"testing"
)

// special makes a named pipe and a socket.
func special(t *testing.T, pipe, socket string) bool {
	t.Helper()
	if err := syscall.Mkfifo(pipe, 0o666); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return true
}
