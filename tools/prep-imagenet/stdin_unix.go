//go:build unix

package main

import (
	"os"

	"golang.org/x/sys/unix"
)

// polled returns a pipe in the runtime's poller, or f itself if it isn't a pipe. During a
// blocking read the runtime's monitor wakes every 20 µs while other goroutines work,
// which took a tenth of the cores from the decoding threads. restore makes reads block
// again for other processes with the same pipe.
func polled(f *os.File) (in *os.File, restore func()) {
	info, err := f.Stat()
	if err != nil || info.Mode()&os.ModeNamedPipe == 0 {
		return f, func() {} // other processes share a terminal, and don't expect it to be non-blocking
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
			_ = unix.SetNonblock(int(f.Fd()), false) // if it was closed meanwhile, there is nothing to restore
		}
	}
}
