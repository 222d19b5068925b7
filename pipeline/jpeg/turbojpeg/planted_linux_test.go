//go:build linux && (amd64 || arm64) && !static

package turbojpeg

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
		fmt.Println(Available())
		return
	}
	trap := dynlibtest.New(t)
	here, mine, open := t.TempDir(), t.TempDir(), t.TempDir()
	if err := os.Chmod(open, 0o777); err != nil {
		t.Fatal(err)
	}
	for _, folder := range []string{here, filepath.Join(here, "lib"), mine, open} {
		trap.Plant(t, folder, sonames...)
	}
	for name, c := range map[string]struct {
		variables []string
		want      string
		loads     bool
	}{
		"the current folder":      {nil, "", false},
		"the linker's list":       {[]string{"LD_LIBRARY_PATH=:/nonexistent"}, "$LD_LIBRARY_PATH, :/nonexistent, has an empty", false},
		"the linker's dot":        {[]string{"LD_LIBRARY_PATH=lib"}, "$LD_LIBRARY_PATH, lib, has an empty", false},
		"a relative path":         {[]string{pathVariable + "=lib/libturbojpeg.so"}, "names a folder below the current one", false},
		"a dot":                   {[]string{pathVariable + "=./libturbojpeg.so"}, "names a folder below the current one", false},
		"everybody's folder":      {[]string{pathVariable + "=" + filepath.Join(open, sonames[0])}, "can be written by everybody", false},
		"one's own, to see it go": {[]string{pathVariable + "=" + filepath.Join(mine, sonames[0])}, "is no TurboJPEG", true},
	} {
		out := trap.Run(t, here, c.variables...)
		if sprung := trap.Sprung(); sprung != c.loads || !strings.Contains(out, c.want) {
			t.Errorf("%s: loaded %v, want %v; printed %s, want %q", name, sprung, c.loads, out, c.want)
		}
	}
}
