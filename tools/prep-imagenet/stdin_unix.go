//go:build unix

package main

import (
	"os"

	"golang.org/x/sys/unix"
)

// polled is a pipe in the runtime's poller, or f itself where it is no pipe. A read
// that waits in the system has the runtime's monitor wake every 20 µs while other
// goroutines work: that took from the decoding threads a tenth of the cores. restore
// makes reads wait again for other processes that have the same pipe.
func polled(f *os.File) (in *os.File, restore func()) {
	info, err := f.Stat()
	if err != nil || info.Mode()&os.ModeNamedPipe == 0 {
		return f, func() {} // a terminal is shared with processes that don't expect it to return at once
	}
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return f, func() {}
	}
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	if err == nil {
		err = unix.SetNonblock(fd, true)
	}
	if err != nil {
		unix.Close(fd)
		return f, func() {}
	}
	return os.NewFile(uintptr(fd), f.Name()), func() {
		if flags&unix.O_NONBLOCK == 0 {
			_ = unix.SetNonblock(int(f.Fd()), false) // closed meanwhile: nothing to restore
		}
	}
}
