package file

import (
	"context"
	"os"
	"time"
)

// TryLock locks a file for this handle until the file is closed, or the process ends.
// It returns false if another handle has the lock. The error is an
// errors.ErrUnsupported if the file system has no locks.
func TryLock(f *os.File) (bool, error) { return tryLock(f) }

// Lock is TryLock that waits for the lock until the context ends.
func Lock(ctx context.Context, f *os.File) error {
	for pause := time.Millisecond; ; pause = min(2*pause, 50*time.Millisecond) {
		if mine, err := TryLock(f); mine || err != nil {
			return err
		}
		t := time.NewTimer(pause)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return context.Cause(ctx)
		}
	}
}

// HasName reports whether an open file still has its name. Another process may have
// renamed or removed it between opening and locking.
func HasName(f *os.File) bool {
	there, err := os.Lstat(f.Name())
	if err != nil {
		return false
	}
	mine, err := f.Stat()
	return err == nil && os.SameFile(there, mine)
}
