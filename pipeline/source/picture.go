package source

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// MaxPictureBytes is the size of the largest file that is opened as a picture.
const MaxPictureBytes = 1 << 29

// openPicture opens a file that should be a picture. Its errors name the file.
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

// checkSize refuses what is too large for a picture.
func checkSize(size int64) error {
	if size > MaxPictureBytes {
		return fmt.Errorf("has %d bytes; a picture may have %d", size, MaxPictureBytes)
	}
	return nil
}

// limited reads a file up to the size that it had when it was opened.
type limited struct {
	io.Reader
	io.Closer
}

// openFile opens a regular file and returns its size. Anything else is refused
// without opening it, as a named pipe would wait for its other end.
func openFile(p string) (*os.File, int64, error) {
	info, err := os.Stat(p)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			if target, e := os.Readlink(p); e == nil {
				return nil, 0, fmt.Errorf("%s is a link to %s, which isn't there: %w", show(p), show(target), cause(err))
			}
		}
		return nil, 0, fmt.Errorf("%s: %w", show(p), cause(err))
	}
	if !info.Mode().IsRegular() {
		return nil, 0, fmt.Errorf("%s is %s, no plain file", show(p), kindOf(info.Mode()))
	}
	f, err := os.Open(p)
	if err != nil {
		return nil, 0, fmt.Errorf("%s: %w", show(p), cause(err))
	}
	return f, info.Size(), nil
}

// kindOf names what isn't a regular file.
func kindOf(mode fs.FileMode) string {
	switch {
	case mode.IsDir():
		return "a folder"
	case mode&fs.ModeNamedPipe != 0:
		return "a named pipe"
	case mode&fs.ModeSocket != 0:
		return "a socket"
	case mode&fs.ModeDevice != 0:
		return "a device"
	}
	return "a special file"
}
