package command

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// Once is true the first time that it is asked of a name by this user on this machine:
// for what people want to be told once and not before every answer. Where that can't be
// remembered it is true every time.
func Once(name string) bool {
	dir, err := os.UserCacheDir()
	if err != nil {
		return true
	}
	dir = filepath.Join(dir, "alexnet")
	if os.MkdirAll(dir, 0o777) != nil {
		return true
	}
	f, err := os.OpenFile(filepath.Join(dir, "told-"+name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return !errors.Is(err, fs.ErrExist)
	}
	f.Close() // it is empty
	return true
}
