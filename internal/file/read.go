package file

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"alexnet/internal/printable"
)

// KindError says that a path is not a regular file.
type KindError struct {
	Path string
	Mode fs.FileMode
}

func (e *KindError) Error() string {
	return fmt.Sprintf("%s is %s, not a regular file", printable.Name(e.Path), kind(e.Mode))
}

// kind names what a mode describes.
func kind(m fs.FileMode) string {
	switch {
	case m.IsDir():
		return "a folder"
	case m&fs.ModeSymlink != 0:
		return "a link"
	case m&fs.ModeNamedPipe != 0:
		return "a named pipe"
	case m&fs.ModeSocket != 0:
		return "a socket"
	case m&fs.ModeDevice != 0:
		return "a device"
	}
	return "of an unknown kind"
}

// TooLargeError says that a file is larger than its reader allows.
type TooLargeError struct {
	Path  string
	Size  int64 // as the file system says; at most Limit where that is wrong
	Limit int64
}

func (e *TooLargeError) Error() string {
	if e.Size <= e.Limit {
		return fmt.Sprintf("%s has more than the %d bytes that are read of such a file", printable.Name(e.Path), e.Limit)
	}
	return fmt.Sprintf("%s has %d bytes; at most %d are read of such a file", printable.Name(e.Path), e.Size, e.Limit)
}

// Open opens a regular file, or a link to one, for reading. Anything else is a
// *KindError, found without waiting for it.
func Open(path string) (*os.File, error) {
	info, err := os.Stat(path) // opening a device may have effects
	if err != nil {
		var at *fs.PathError
		if errors.As(err, &at) {
			at.Op = "open"
		}
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, &KindError{path, info.Mode()}
	}
	f, err := os.OpenFile(path, os.O_RDONLY|nonblock, 0)
	if err != nil {
		return nil, err
	}
	return regular(f, path)
}

// OpenPlain is Open for a file that will be given to others. It also refuses a link,
// which might lead to another person's file, with a *KindError.
func OpenPlain(path string) (*os.File, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, &KindError{path, info.Mode()}
	}
	f, err := open(path, os.O_RDONLY)
	if err != nil {
		return nil, err
	}
	return regular(f, path)
}

// regular closes an open file that is not a regular file: it may have changed since
// it was checked.
func regular(f *os.File, path string) (*os.File, error) {
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = &KindError{path, info.Mode()}
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// ReadAll reads a regular file of at most limit bytes. A larger one is a
// *TooLargeError: before anything is read if the file system knows the size,
// otherwise after limit bytes.
func ReadAll(path string, limit int64) ([]byte, error) {
	f, err := Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return ReadOpen(f, limit)
}

// ReadOpen is ReadAll for an open file, from its position on.
func ReadOpen(f *os.File, limit int64) ([]byte, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.Size() > limit {
		return nil, &TooLargeError{f.Name(), info.Size(), limit}
	}
	// Memory for the stated size is allocated at once only if it is small.
	var all bytes.Buffer
	all.Grow(int(min(info.Size(), 64<<20)) + bytes.MinRead)
	if _, err := all.ReadFrom(io.LimitReader(f, limit)); err != nil {
		return nil, err
	}
	if n, err := f.Read(make([]byte, 1)); n > 0 {
		return nil, &TooLargeError{f.Name(), info.Size(), limit}
	} else if err != nil && err != io.EOF {
		return nil, err
	}
	return all.Bytes(), nil
}
