package command

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// Once reports whether this user on this machine asks for a name for the first time.
// It is for messages that users want to see once, and not before every answer. If the
// answer cannot be remembered, it is always true.
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
	f.Close() // the file is empty
	return true
}
