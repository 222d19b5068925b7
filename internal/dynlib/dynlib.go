// Package dynlib decides which shared libraries may be loaded. Loading a library runs
// its code with the user's rights, so only the user or root may have put it there: no
// library is taken from the current folder, nor from a folder that others can write
// to.
package dynlib

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"alexnet/internal/printable"
)

// Check reports whether a library may be loaded. name is the name for the dynamic
// linker: a name without a slash, which the linker looks for in $LD_LIBRARY_PATH and
// the system's folders (not on macOS), or an absolute path, which must be Trusted.
func Check(name string) error {
	if err := checkLinker(); err != nil {
		return err
	}
	if !strings.Contains(name, "/") {
		if runtime.GOOS == "darwin" { // macOS's linker may also look in the current folder
			return &RefusedError{name, "on macOS a library is named by its whole path"}
		}
		return nil
	}
	return Trusted(name)
}

// RefusedError says why code is not loaded from a place.
type RefusedError struct {
	Path string
	Why  string
}

func (e *RefusedError) Error() string {
	return printable.Name(e.Path) + " is refused: " + e.Why
}

// Absolute refuses a folder that depends on where the program was started. origin
// says where the folder is named.
func Absolute(folder, origin string) error {
	if filepath.IsAbs(folder) {
		return nil
	}
	return &RefusedError{folder, origin + " names a folder below the current one, and code from there isn't run: give the whole path"}
}

// Trusted checks that only root and this process's user can have put the file at path
// there, or can change it. path must be absolute. The file, and each folder and link
// on the way, must belong to one of the two, and others may not be able to write to
// it. A folder with the sticky bit, such as /tmp, may be on the way, since others
// cannot replace its owner's files.
func Trusted(path string) error {
	if err := Absolute(path, "the path"); err != nil {
		return err
	}
	at, rest := "/", parts(path)
	for links := 0; ; {
		info, err := os.Lstat(at)
		if err != nil {
			return fmt.Errorf("%s: %w", printable.Name(path), err)
		}
		if info.Mode()&os.ModeSymlink != 0 {
			if links++; links > 40 {
				return &RefusedError{path, "it is a link to itself"}
			}
		}
		if why := exposed(info, len(rest) > 0); why != "" {
			return &RefusedError{path, printable.Name(at) + " " + why}
		}
		switch {
		case info.Mode()&os.ModeSymlink != 0:
			to, err := os.Readlink(at)
			if err != nil {
				return err
			}
			at = filepath.Dir(at)
			if filepath.IsAbs(to) {
				at = "/"
			}
			rest = append(parts(to), rest...)
		case len(rest) == 0:
			if !info.Mode().IsRegular() {
				return &RefusedError{path, "it is no regular file"}
			}
			return nil
		case !info.IsDir():
			return &RefusedError{path, printable.Name(at) + " is no folder"}
		}
		// The folder at is checked; its next entry follows. The target of a link needs no check
		// of its parent here: the path to it is checked by itself.
		at, rest = filepath.Join(at, rest[0]), rest[1:]
	}
}

// parts returns the names of a path, in order.
func parts(path string) []string {
	var all []string
	for _, p := range strings.Split(path, "/") {
		if p != "" && p != "." {
			all = append(all, p)
		}
	}
	return all
}

// pathVariable is the linker's list of folders, read when the process began.
const pathVariable = "LD_LIBRARY_PATH"

// checkLinker refuses to use the linker if its list of folders has a relative or empty
// entry (the current folder) and a library is there. The linker would load it instead of
// a requested library, or of one that this needs.
func checkLinker() error {
	list := os.Getenv(pathVariable)
	if list == "" {
		return nil
	}
	for _, folder := range strings.Split(strings.ReplaceAll(list, ";", ":"), ":") {
		if filepath.IsAbs(folder) || strings.HasPrefix(folder, "$ORIGIN") || strings.HasPrefix(folder, "${ORIGIN}") {
			continue
		}
		if folder == "" {
			folder = "."
		}
		entries, err := os.ReadDir(folder)
		if err != nil {
			continue
		}
		for _, e := range entries {
			if strings.Contains(e.Name(), ".so") {
				return &RefusedError{filepath.Join(folder, e.Name()), fmt.Sprintf("$%s, %s, has an empty or relative folder, so that libraries in the current folder would be loaded: "+
					"take it out (a colon at its end or beginning stands for the current folder)", pathVariable, printable.Name(list))}
			}
		}
	}
	return nil
}
