//go:build unix

package main

import (
	"os"

	"golang.org/x/sys/unix"
)

// polled is a pipe in the runtime's poller, or f itself where it is no pipe. A read
// that waits in the system has the runtime's monitor wake every 20 µs while other
// goroutines work: that took from the decoding threads a tenth of the cores.
func polled(f *os.File) *os.File {
	info, err := f.Stat()
	if err != nil || info.Mode()&os.ModeNamedPipe == 0 {
		return f // a terminal is shared with processes that don't expect it to return at once
	}
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return f
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		unix.Close(fd)
		return f
	}
	return os.NewFile(uintptr(fd), f.Name())
}
