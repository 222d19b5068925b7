//go:build unix

package remote

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// tryLock takes the file for this handle until it is closed; false: another has
// it.
func tryLock(f *os.File) (bool, error) {
	err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return false, nil
	}
	return err == nil, err
}
