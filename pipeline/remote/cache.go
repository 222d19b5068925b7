package remote

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"alexnet/internal/file"
	"alexnet/internal/setting"
)

// cache is a folder whose files take no more than a limit. Processes share it
// without talking to each other: sizes and times of last use are those of the
// file system, and a lock file orders what they change.
//
// A file is written under its name + partSuffix, with its whole length from the
// beginning, so that room which is promised is counted, and locked by its writer.
type cache struct {
	dir   string
	limit int64
}

const (
	partSuffix = ".part"
	lockName   = "lock"
)

// entry is one file of the cache.
type entry struct {
	path string
	size int64
	used time.Time
}

// reserve makes room for a file of the given size and opens it under its
// temporary name. It returns nil if the file is there by now. It waits while
// another writes the same file, or while there is no room because others are
// writing.
func (c *cache) reserve(ctx context.Context, path string, size int64) (*os.File, error) {
	if size > c.limit {
		return nil, setting.Errorf("%s takes %d bytes, more than the whole cache may: give a %s of at least a few shards", filepath.Base(path), size, setting.Name("cache-size"))
	}
	for {
		f, err := c.tryReserve(ctx, path, size)
		if f != nil || err != nil {
			return f, err
		}
		if c.touch(path) {
			return nil, nil
		}
		if err := sleep(ctx, 20*time.Millisecond); err != nil {
			return nil, err
		}
	}
}

// tryReserve is reserve without waiting; nil, nil: it has to wait.
func (c *cache) tryReserve(ctx context.Context, path string, size int64) (*os.File, error) {
	unlock, err := c.lock(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()
	if _, err := os.Stat(path); err == nil {
		return nil, nil
	}
	f, err := file.OpenOwn(path + partSuffix)
	if err != nil {
		return nil, err
	}
	mine, err := file.TryLock(f)
	if err != nil || !mine || !file.Still(f) {
		f.Close()
		return nil, err
	}
	var room bool
	if err = f.Truncate(0); err == nil { // what a dead process left
		room, err = c.makeRoom(size)
	}
	if room && err == nil {
		if err = f.Truncate(size); err == nil {
			return f, nil
		}
	}
	c.abandon(f)
	return nil, err
}

// makeRoom removes files that were used longest ago until size more bytes fit;
// false: they don't even then. The lock is held.
func (c *cache) makeRoom(size int64) (bool, error) {
	files, parts, total, err := c.files()
	if err != nil {
		return false, err
	}
	for _, p := range parts { // of dead processes
		if total+size <= c.limit {
			return true, nil
		}
		if gone, err := file.RemoveDead(p.path); err == nil && gone {
			total -= p.size
		}
	}
	slices.SortFunc(files, func(a, b entry) int { return a.used.Compare(b.used) })
	for _, f := range files {
		if total+size <= c.limit {
			return true, nil
		}
		// A process that has mapped the file can still read it.
		if err := os.Remove(f.path); err == nil || errors.Is(err, fs.ErrNotExist) {
			total -= f.size
		}
	}
	return total+size <= c.limit, nil
}

// files lists the shards of the cache, those that are being written, and the
// bytes that all take.
func (c *cache) files() (files, parts []entry, total int64, err error) {
	err = filepath.WalkDir(c.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return ignoreMissing(err)
		}
		info, err := d.Info()
		if err != nil {
			return ignoreMissing(err)
		}
		f := entry{path, info.Size(), info.ModTime()}
		total += f.size
		switch {
		case strings.HasSuffix(path, partSuffix):
			parts = append(parts, f)
		case strings.HasSuffix(path, shardSuffix):
			files = append(files, f)
		}
		return nil
	})
	return files, parts, total, err
}

// ignoreMissing: other processes remove files too.
func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// lock keeps other processes, and other goroutines, from changing the cache's
// files. It is held for milliseconds.
func (c *cache) lock(ctx context.Context) (unlock func(), err error) {
	f, err := file.OpenOwn(filepath.Join(c.dir, lockName))
	if err != nil {
		return nil, err
	}
	if err := file.Lock(ctx, f); err != nil {
		f.Close()
		return nil, err
	}
	return func() { f.Close() }, nil
}

// touch notes that a file is used now; false: it isn't there.
func (c *cache) touch(path string) bool {
	now := time.Now()
	return os.Chtimes(path, now, now) == nil
}

// remove takes a file out that isn't what it should be.
func (c *cache) remove(ctx context.Context, path string) error {
	unlock, err := c.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	return ignoreMissing(os.Remove(path))
}

// commit gives a finished file its name. The file is on the disk by then, so a name
// always stands for a complete file. The lock keeps others from counting files while
// this one is between its two names.
func (c *cache) commit(ctx context.Context, f *os.File, path string) error {
	if err := f.Sync(); err != nil {
		return err
	}
	unlock, err := c.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	if runtime.GOOS == "windows" { // where open files keep their names
		f.Close()
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	f.Close()
	return file.SyncFolder(filepath.Dir(path))
}

// abandon removes an unfinished file. It is removed while it is locked, so that no other
// process's file is.
func (c *cache) abandon(f *os.File) {
	_ = file.RemoveOpen(f)
}
