//go:build unix

package stream

import (
	"errors"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// Memory returns the function that makes the shared memory for a Config. On Unix
// the handle is the number of a descriptor that the client has left open for this
// process: an empty file, best one without a name. On Windows it is the name of a
// mapping that doesn't exist yet. The memory stays mapped until the process ends.
func Memory(handle string) func(size int) ([]byte, error) {
	return func(size int) ([]byte, error) {
		fd, err := strconv.Atoi(handle)
		if err != nil || fd < 3 {
			return nil, fmt.Errorf("memory %q isn't the number of a file that was left open for this process", handle)
		}
		// A descriptor of our own, because the owner of the other may close it.
		own, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
		if err != nil {
			return nil, fmt.Errorf("descriptor %d: %w", fd, err)
		}
		f := os.NewFile(uintptr(own), "shared memory")
		defer f.Close()
		info, err := f.Stat()
		if err != nil {
			return nil, err
		}
		if !info.Mode().IsRegular() || info.Size() != 0 {
			return nil, fmt.Errorf("descriptor %d isn't an empty file", fd)
		}
		if free, err := available(); err == nil && int64(size) > free {
			return nil, fmt.Errorf("the machine has %d MB free", free/1e6)
		}
		if err := fill(f, size); err != nil {
			return nil, err
		}
		return unix.Mmap(own, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	}
}

// fill makes an empty file of size zeros, and has the system reserve the space: so a full
// disk is an error now, and not a signal later.
func fill(f *os.File, size int) error {
	const part = 16 << 20
	var zeros []byte
	for at := 0; at < size; at += part {
		n := min(part, size-at)
		err := allocate(f, int64(at), int64(n))
		if err != nil && !errors.Is(err, unix.ENOSPC) { // not supported by the system or the disk
			if zeros == nil {
				zeros = make([]byte, part)
			}
			_, err = f.WriteAt(zeros[:n], int64(at))
		}
		if err != nil {
			return err
		}
	}
	return nil
}
