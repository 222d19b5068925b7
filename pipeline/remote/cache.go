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

// cache is a folder whose files take no more than a limit. Processes share it without
// messages: the file system keeps sizes and times of last use, and a lock file orders
// changes.
//
// A file is written as its name + partSuffix. It has its full length from the beginning,
// so that reserved space is counted, and its writer locks it.
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

// reserve makes space for a file of the given size and opens it under its temporary name.
// It returns nil if the file exists by now. It waits while another process writes the
// same file, or while files being written take the space.
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

// tryReserve is reserve without waiting. nil, nil means that it would have to wait.
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
	if err != nil || !mine || !file.HasName(f) {
		f.Close()
		return nil, err
	}
	var room bool
	if err = f.Truncate(0); err == nil { // remove what a dead process left
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

// makeRoom removes the least recently used files until size more bytes fit. It returns
// false if they can't. The caller holds the lock.
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

// files lists the shards of the cache, the unfinished ones, and the bytes of all.
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

// lock stops other processes, and other goroutines, from changing the cache's files. It
// is held for milliseconds.
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

// touch marks a file as used now. It returns false if there is none.
func (c *cache) touch(path string) bool {
	now := time.Now()
	return os.Chtimes(path, now, now) == nil
}

// remove removes a file with wrong contents.
func (c *cache) remove(ctx context.Context, path string) error {
	unlock, err := c.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	return ignoreMissing(os.Remove(path))
}

// commit gives a finished file its name. The file has been synced, so a file of that name
// is always complete. The lock stops others from counting files during the renaming.
func (c *cache) commit(ctx context.Context, f *os.File, path string) error {
	if err := f.Sync(); err != nil {
		return err
	}
	unlock, err := c.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	if runtime.GOOS == "windows" { // Windows can't rename open files
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
