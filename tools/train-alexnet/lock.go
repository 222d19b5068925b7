package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// lockName is the file that a running process holds a lock on.
const lockName = ".lock"

// lockRun makes this process the only one that writes into a run folder. The
// lock goes with the process, however it ends.
func lockRun(dir string) (unlock func() error, err error) {
	path := filepath.Join(dir, lockName)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return nil, unwritable(dir, err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		defer f.Close()
		if !errors.Is(err, unix.EWOULDBLOCK) {
			return f.Close, nil // a file system without locks
		}
		holder := make([]byte, 32)
		n, _ := f.Read(holder)
		return nil, fmt.Errorf("run folder %s is in use by process %s: wait for it, stop it, or give another --run", dir, strings.TrimSpace(string(holder[:n])))
	}
	if err := f.Truncate(0); err == nil {
		fmt.Fprintln(f, os.Getpid())
	}
	return f.Close, nil
}

// lockedTogether calls f while no other process is in such a call for the same
// folder: it waits for its turn.
func lockedTogether(dir string, f func() error) error {
	lock, err := os.OpenFile(filepath.Join(dir, lockName), os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return unwritable(dir, err)
	}
	defer lock.Close()
	_ = unix.Flock(int(lock.Fd()), unix.LOCK_EX) // a file system without locks has none to wait for
	return f()
}

// unwritable says what to do about a folder that cannot be written.
func unwritable(dir string, err error) error {
	return fmt.Errorf("run folder %s cannot be written: %w: make it writable or give another --run", dir, err)
}
