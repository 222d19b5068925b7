//go:build unix

package file

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

const nonblock = unix.O_NONBLOCK // opening a pipe or a device doesn't block

// open opens a file that is not a link, so that it can be renamed and removed
// meanwhile.
func open(path string, flag int) (*os.File, error) {
	return os.OpenFile(path, flag|nonblock|unix.O_NOFOLLOW, 0o666)
}

func tryLock(f *os.File) (bool, error) {
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		switch {
		case err == nil:
			return true, nil
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.EWOULDBLOCK):
			return false, nil
		case errors.Is(err, unix.ENOLCK), errors.Is(err, errors.ErrUnsupported):
			return false, fmt.Errorf("%w: this file system has no locks: %w", errors.ErrUnsupported, err)
		}
		return false, &os.PathError{Op: "lock", Path: f.Name(), Err: err}
	}
}

func rename(from, to string) error { return os.Rename(from, to) }

// InUse says that Windows refused to remove a file because somebody has it open.
func InUse(error) bool { return false }
