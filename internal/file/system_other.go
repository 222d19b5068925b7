//go:build !unix && !windows

package file

import (
	"errors"
	"os"
)

const nonblock = 0

func open(path string, flag int) (*os.File, error) { return os.OpenFile(path, flag, 0o666) }

func tryLock(*os.File) (bool, error) { return false, errors.ErrUnsupported }

func rename(from, to string) error { return os.Rename(from, to) }

// InUse says that Windows refused to remove a file because somebody has it open.
func InUse(error) bool { return false }
