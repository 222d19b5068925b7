package mpi

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"alexnet/internal/dynlib/dynlibtest"
)

// TestPlanted: no library is loaded from the current folder, nor from one that
// others can write to.
func TestPlanted(t *testing.T) {
	if dynlibtest.Child() {
		l, err := open(candidates(os.Getenv))
		fmt.Println(l != nil, err)
		return
	}
	trap := dynlibtest.New(t)
	names := append(candidates(func(string) string { return "" }), "libmpi.so")
	here, mine, everybody := t.TempDir(), t.TempDir(), t.TempDir()
	if err := os.Chmod(everybody, 0o777); err != nil {
		t.Fatal(err)
	}
	for _, folder := range []string{here, filepath.Join(here, "lib"), mine, everybody} {
		trap.Plant(t, folder, names...)
	}
	for name, c := range map[string]struct {
		variables []string
		want      string
		loads     bool
	}{
		"the current folder":      {nil, "", false},
		"the linker's list":       {[]string{"LD_LIBRARY_PATH=:/nonexistent"}, "$LD_LIBRARY_PATH, :/nonexistent, has an empty", false},
		"a relative path":         {[]string{pathVariable + "=lib/libmpi.so"}, "names a folder below the current one", false},
		"everybody's folder":      {[]string{pathVariable + "=" + filepath.Join(everybody, names[0])}, "can be written by everybody", false},
		"one's own, to see it go": {[]string{pathVariable + "=" + filepath.Join(mine, names[0])}, "is no MPI library", true},
	} {
		out := trap.Run(t, here, c.variables...)
		if sprung := trap.Sprung(); sprung != c.loads || !strings.Contains(out, c.want) {
			t.Errorf("%s: loaded %v, want %v; printed %s, want %q", name, sprung, c.loads, out, c.want)
		}
	}
}
