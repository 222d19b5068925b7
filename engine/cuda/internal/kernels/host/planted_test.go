package host

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"alexnet/internal/dynlib"
	"alexnet/internal/dynlib/dynlibtest"
)

// TestPlanted: a library in the cache with other contents than were compiled isn't loaded,
// and nothing is from a folder that others can write to.
func TestPlanted(t *testing.T) {
	if dynlibtest.Child() {
		if l, err := Build("-DSELFTEST"); err != nil || len(l.Names()) == 0 {
			t.Fatalf("built %v, %v", l, err)
		}
		return
	}
	trap := dynlibtest.New(t)
	cache := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", cache)
	path, err := build([]string{"-DSELFTEST"})
	if errors.Is(err, ErrNoCompiler) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	folder, name := filepath.Split(path)
	inputs, _, _ := strings.Cut(name, "-")
	trap.Plant(t, folder, name, inputs+".so", inputs+"-.so", inputs+"-0.so")
	trap.Run(t, cache, "XDG_CACHE_HOME="+cache)
	if trap.Sprung() {
		t.Error("a planted library has run")
	}
	if again, err := build([]string{"-DSELFTEST"}); err != nil || again != path {
		t.Errorf("compiled again: %s, %v", again, err)
	}
	if err := os.Chmod(folder, 0o777); err != nil {
		t.Fatal(err)
	}
	if _, err := load(path); !errors.As(err, new(*dynlib.RefusedError)) || !strings.Contains(err.Error(), "can be written by everybody") {
		t.Errorf("from everybody's folder: %v", err)
	}
}
