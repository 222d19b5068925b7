package source

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	regular "alexnet/internal/file"
)

// MaxPictureBytes is the largest size, in bytes, of a picture file that Open accepts.
const MaxPictureBytes = 1 << 29

// openPicture opens a picture file. Its errors name the file.
func openPicture(p string) (io.ReadCloser, error) {
	f, size, err := openFile(p)
	if err != nil {
		return nil, err
	}
	if err := checkSize(size); err != nil {
		f.Close()
		return nil, fmt.Errorf("%s %w", show(p), err)
	}
	return limited{io.LimitReader(f, size), f}, nil
}

// checkSize refuses files that are too large for a picture.
func checkSize(size int64) error {
	if size > MaxPictureBytes {
		return fmt.Errorf("has %d bytes; a picture may have %d", size, MaxPictureBytes)
	}
	return nil
}

// limited reads a file up to its size at opening.
type limited struct {
	io.Reader
	io.Closer
}

// openFile opens a regular file and returns its size. It refuses other kinds of files at
// once, and its errors name the file and the kind.
func openFile(p string) (*os.File, int64, error) {
	f, err := regular.Open(p)
	if errors.Is(err, fs.ErrNotExist) {
		if target, e := os.Readlink(p); e == nil {
			return nil, 0, fmt.Errorf("%s is a link to %s, which isn't there: %w", show(p), show(target), cause(err))
		}
	}
	if err != nil {
		if at := new(fs.PathError); errors.As(err, &at) {
			err = fmt.Errorf("%s: %w", show(p), at.Err)
		}
		return nil, 0, err
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, 0, err
	}
	return f, info.Size(), nil
}

// stat is os.Stat with an error that shows the file's name in readable form.
func stat(p string) (fs.FileInfo, error) {
	info, err := os.Stat(p)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", show(p), cause(err))
	}
	return info, nil
}
