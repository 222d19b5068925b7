package file

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"testing"
)

// TestDoing: what the system's error says itself is not said twice.
func TestDoing(t *testing.T) {
	full := &fs.PathError{Op: "write", Path: "x.png", Err: errors.New("no space left")}
	for _, c := range []struct {
		err  error
		want string
	}{
		{full, "write x.png: no space left"},
		{fmt.Errorf("sample 3: %w", full), "sample 3: write x.png: no space left"},
		{&os.LinkError{Op: "rename", Old: "a", New: "x.png", Err: fs.ErrPermission}, "rename a x.png: permission denied"},
		{&KindError{"x.png", fs.ModeDir}, "x.png is a folder, not a regular file"},
		{errors.New("too wide"), "write x.png: too wide"},
	} {
		if got := Doing("write x.png", c.err); got.Error() != c.want || !errors.Is(got, c.err) {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}
