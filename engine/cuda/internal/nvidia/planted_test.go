//go:build linux && (amd64 || arm64) && !static

package nvidia

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"alexnet/internal/dynlib/dynlibtest"
)

// TestPlanted: libraries that strangers can put in the way are not loaded, and
// those that the environment names are named.
func TestPlanted(t *testing.T) {
	if dynlibtest.Child() {
		// The driver decides whether the others are looked for: without one, look too.
		s := places(Options{})
		l := &libraries{version: 13000, where: s}
		fmt.Println(l.loadDriver(s.driver))
		_, missing := l.loadLt(s.folders, 0)
		fmt.Println(missing)
		fmt.Println(l.loadDNN(s.folders, 13))
		fmt.Println(l.loadNCCL())
		return
	}
	trap := dynlibtest.New(t)
	names := []string{"libcuda.so.1", "libcublasLt.so.13", "libcublasLt.so.12", "libcudnn.so.9", "libnccl.so.2", "libnvrtc.so.13", "libnvrtc.so.12"}
	const site = "lib/python3.12/site-packages"
	here, mine, open := t.TempDir(), t.TempDir(), t.TempDir()
	ok(t, os.Chmod(open, 0o777))
	for _, folder := range []string{".", ".venv", "venv", "lib", ".local", "bin", "sub/venv"} {
		for _, below := range append(wheelFolders(site), "", "lib", "lib64", "bin") {
			trap.Plant(t, filepath.Join(here, folder, below), names...)
		}
		ok(t, os.MkdirAll(filepath.Join(here, folder, "conda-meta"), 0o755))
		ok(t, os.MkdirAll(filepath.Join(here, folder, "bin"), 0o755))
		ok(t, os.WriteFile(filepath.Join(here, folder, "bin/python3"), nil, 0o755))
		ok(t, os.WriteFile(filepath.Join(here, folder, "python3"), nil, 0o755))
	}
	trap.Plant(t, filepath.Join(open, "lib"), names...)
	trap.Plant(t, filepath.Join(mine, "lib"), names...)
	clean := []string{"HOME=" + t.TempDir(), "PATH=/nonexistent", "VIRTUAL_ENV=", "CONDA_PREFIX=", pathsVariable + "=", "LD_LIBRARY_PATH="}
	for name, c := range map[string]struct {
		variable string
		want     string // printed
	}{
		"the current folder":          {"X=", ""},
		"a relative environment":      {"VIRTUAL_ENV=.venv", ".venv is refused: $VIRTUAL_ENV names a folder below the current one"},
		"a relative conda":            {"CONDA_PREFIX=sub/venv", "sub/venv is refused: $CONDA_PREFIX names"},
		"no home":                     {"HOME=", ""},
		"a relative home":             {"HOME=.", ". is refused: $HOME names"},
		"PATH with a dot":             {"PATH=/nonexistent:.:bin", "bin is refused: $PATH names"},
		"PATH with an empty folder":   {"PATH=:/nonexistent", ". is refused: $PATH names"},
		"a relative list":             {pathsVariable + "=lib:.", "lib is refused: $" + pathsVariable},
		"the linker's empty folder":   {"LD_LIBRARY_PATH=/nonexistent:", "$LD_LIBRARY_PATH, /nonexistent:, has an empty"},
		"everybody's folder":          {pathsVariable + "=" + filepath.Join(open, "lib"), open + " can be written by everybody"},
		"everybody's environment":     {"VIRTUAL_ENV=" + open, ""},
		"a driver from one's own":     {pathsVariable + "=" + filepath.Join(mine, "lib"), ""}, // the others are taken from there
		"a driver from a environment": {"VIRTUAL_ENV=" + mine, ""},
	} {
		variables := append(append([]string(nil), clean...), c.variable)
		out := trap.Run(t, here, variables...)
		sprung := trap.Sprung()
		if own := name == "a driver from one's own"; own && !sprung {
			t.Errorf("%s: the trap doesn't spring where it must: %s", name, out)
		} else if !own && sprung {
			t.Errorf("%s: a planted library was loaded\n%s", name, out)
		}
		if !strings.Contains(out, c.want) {
			t.Errorf("%s: printed %s\nwant %q", name, out, c.want)
		}
	}
	// Of the user's own folder the driver isn't taken.
	only := t.TempDir()
	trap.Plant(t, only, "libcuda.so.1")
	if out := trap.Run(t, here, append(clean, pathsVariable+"="+only)...); trap.Sprung() {
		t.Errorf("a driver that isn't the system's was loaded\n%s", out)
	}
}
