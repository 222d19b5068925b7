package train

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"alexnet/internal/file"
	"alexnet/internal/setting"
)

// LockName is the file that a running process locks.
const LockName = ".lock"

// lockRun makes this process the only one that writes to a run folder. The lock ends
// with the process, however that ends.
func lockRun(dir string) (unlock func() error, err error) {
	path := filepath.Join(dir, LockName)
	f, err := file.OpenOwn(path)
	if err != nil {
		return nil, unwritable(dir, err)
	}
	mine, err := file.TryLock(f)
	if err != nil && !errors.Is(err, errors.ErrUnsupported) { // a file system without locks has none to wait for
		f.Close()
		return nil, unwritable(dir, err)
	}
	if err == nil && !mine {
		defer f.Close()
		holder := make([]byte, 32)
		n, _ := f.Read(holder)
		return nil, setting.Errorf("run folder %s is in use by process %s: wait for it, stop it, or give another %s", dir, strings.TrimSpace(string(holder[:n])), setting.Name("run"))
	}
	if err := f.Truncate(0); err == nil {
		fmt.Fprintln(f, os.Getpid())
	}
	return f.Close, nil
}

// LockedTogether calls f while no other process is in such a call for the same
// folder. It waits until then.
func LockedTogether(ctx context.Context, dir string, f func() error) error {
	lock, err := file.OpenOwn(filepath.Join(dir, LockName))
	if err != nil {
		return unwritable(dir, err)
	}
	defer lock.Close()
	if err := file.Lock(ctx, lock); err != nil && !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	return f()
}

// unwritable adds advice to the error of a folder that cannot be written.
func unwritable(dir string, err error) error {
	return setting.Errorf("run folder %s cannot be written: %w: make it writable or give another %s", dir, err, setting.Name("run"))
}
