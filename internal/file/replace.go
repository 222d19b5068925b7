package file

import (
	"bufio"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
)

// Replace writes a file that appears under its name only when it is complete and on
// the disk. It writes a new file beside it under a secret name, syncs it, renames it,
// and syncs the folder. On an error the old file, if any, stays. Anything but a
// regular file, also a link, is not replaced: that is a *KindError before anything is
// written.
func Replace(path string, write func(*os.File) error) error {
	p, err := Create(path)
	if err != nil {
		return err
	}
	defer p.Abort()
	if err = write(p.File); err == nil {
		err = p.Commit()
	}
	return renamed(err, p.Name(), path)
}

// renamed makes an error about a temporary file an error about its final file.
func renamed(err error, temp, path string) error {
	var at *fs.PathError
	if errors.As(err, &at) && at.Path == temp {
		at.Path = path
	}
	return err
}

// Writable checks that Replace can give a file the name path, before long work: at most a
// regular file has it, and the folder takes new files.
func Writable(path string) error {
	p, err := Create(path)
	if err == nil {
		p.Abort()
	}
	return err
}

// Write is Replace through a buffer.
func Write(path string, write func(io.Writer) error) error {
	return Replace(path, func(f *os.File) error {
		w := bufio.NewWriterSize(f, 1<<16)
		if err := write(w); err != nil {
			return err
		}
		return w.Flush()
	})
}

// WriteAll is Replace with parts one after another.
func WriteAll(path string, parts ...[]byte) error {
	return Replace(path, func(f *os.File) error {
		for _, part := range parts {
			if _, err := f.Write(part); err != nil {
				return err
			}
		}
		return nil
	})
}

// Pending is a file that has no name yet. One goroutine uses it.
type Pending struct {
	*os.File
	path string // the path for Commit's errors
}

// Create begins a file; Commit then gives it the name path, as Replace does. It is
// locked until it is closed, so that Sweep can tell it from a file of a dead process.
func Create(path string) (*Pending, error) {
	if err := replaceable(path); err != nil {
		return nil, err
	}
	_ = sweep(filepath.Dir(path), func(name string) bool { return name == filepath.Base(path) }) // of earlier processes; the folder may be unreadable
	for {
		temp := tempName(path)
		f, err := CreateNew(temp)
		if err != nil {
			return nil, renamed(err, temp, path)
		}
		mine, err := TryLock(f)
		if err == nil && mine && HasName(f) || errors.Is(err, errors.ErrUnsupported) {
			return &Pending{f, path}, nil
		}
		if err != nil {
			_ = RemoveOpen(f)
			return nil, err
		}
		f.Close() // removed between its creation and its lock
	}
}

// Write names the final file in its errors.
func (p *Pending) Write(b []byte) (int, error) {
	n, err := p.File.Write(b)
	return n, renamed(err, p.Name(), p.path)
}

// Commit syncs the file and gives it its name. After an error Abort removes it.
func (p *Pending) Commit() error {
	if err := p.Sync(); err != nil {
		return err
	}
	if err := replaceable(p.path); err != nil {
		return err
	}
	if err := rename(p.Name(), p.path); err != nil {
		return err
	}
	temp := p.Name()
	err := p.Close()
	p.path = ""
	return errors.Join(err, SyncFolder(filepath.Dir(temp)))
}

// Abort removes a file that has no name yet. After Commit it does nothing.
func (p *Pending) Abort() {
	if p.path == "" {
		return
	}
	_ = RemoveOpen(p.File)
	p.path = ""
}

// RemoveOpen removes a file of CreateNew or OpenOwn and then closes it. In this order
// no other process finds it unlocked.
func RemoveOpen(f *os.File) error { return errors.Join(os.Remove(f.Name()), f.Close()) }

// replaceable checks that a file may replace the one at path.
func replaceable(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return fmt.Errorf("%w: give another name", &KindError{path, info.Mode()})
	}
	return nil
}

// CreateNew makes a file that does not exist yet, not even as a link, for reading and
// writing.
func CreateNew(path string) (*os.File, error) {
	return open(path, os.O_RDWR|os.O_CREATE|os.O_EXCL)
}

// OpenOwn opens a file that the program keeps in its own folder, such as a lock or a
// journal, for reading and writing. It makes the file if there is none. It refuses a
// link, which might lead to another person's file.
func OpenOwn(path string) (*os.File, error) {
	if err := replaceable(path); err != nil {
		return nil, err
	}
	f, err := open(path, os.O_RDWR|os.O_CREATE)
	if err != nil {
		return nil, err
	}
	return regular(f, path)
}

// Linked gives the file at from a second name, to, and replaces the file that has it.
// If the file system has no links, the error is that of linking.
func Linked(from, to string) error {
	if err := replaceable(to); err != nil {
		return err
	}
	temp := tempName(to)
	if err := os.Link(from, temp); err != nil {
		return err
	}
	if err := os.Rename(temp, to); err != nil {
		os.Remove(temp)
		return err
	}
	os.Remove(temp) // renaming does nothing if both names are links to the same file
	return SyncFolder(filepath.Dir(to))
}

// SyncFolder makes renames in a folder survive a power failure, if the system can.
func SyncFolder(dir string) error {
	if runtime.GOOS == "windows" { // Windows can't open a folder to sync it
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) && !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	return nil
}

// A temporary file is named after its final file: NAME.16 digits.tmp.
const (
	tempSuffix = ".tmp"
	tempDigits = 16
)

func tempName(path string) string {
	var unknown [tempDigits / 2]byte
	rand.Read(unknown[:])
	return path + "." + hex.EncodeToString(unknown[:]) + tempSuffix
}

// Temporary reports whether a name is that of a temporary file of this package, and
// of which file.
func Temporary(name string) (of string, ok bool) {
	stem, ok := strings.CutSuffix(name, tempSuffix)
	dot := len(stem) - tempDigits - 1
	if !ok || dot < 1 || stem[dot] != '.' || strings.Trim(stem[dot+1:], "0123456789abcdef") != "" {
		return "", false
	}
	return stem[:dot], true
}

// Sweep removes the temporary files of killed processes in a folder. Those of living
// processes stay.
func Sweep(dir string) error { return sweep(dir, func(string) bool { return true }) }

func sweep(dir string, mine func(name string) bool) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if of, ok := Temporary(e.Name()); !ok || !mine(of) || !e.Type().IsRegular() {
			continue
		}
		if _, err := RemoveDead(filepath.Join(dir, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

// RemoveDead removes a file if no process holds a lock on it, and reports whether it
// did.
func RemoveDead(path string) (gone bool, err error) {
	f, err := open(path, os.O_RDWR)
	if err != nil {
		return false, ignoreMissing(err)
	}
	defer f.Close()
	if mine, err := TryLock(f); err != nil || !mine || !HasName(f) {
		return false, nil
	}
	err = RemoveOpen(f)
	return err == nil, ignoreMissing(err)
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
