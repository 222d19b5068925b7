package emulator

import "golang.org/x/sys/unix"

// thread is the calling thread's number, never 0.
func thread() int { return unix.Gettid() }

// reserve maps memory outside of the garbage collector's.
func reserve(bytes int) ([]byte, error) {
	return unix.Mmap(-1, 0, bytes, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
}

func release(b []byte) error { return unix.Munmap(b) }
