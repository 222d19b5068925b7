//go:build unix

package dynlib

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestTrusted: who may have put a file there, or may change it.
func TestTrusted(t *testing.T) {
	for name, c := range map[string]struct {
		change func(t *testing.T, root string) // of root/a/b/lib.so, all of it the user's
		path   string
		want   string // in the error; "": none
	}{
		"one's own":               {path: "a/b/lib.so"},
		"everybody's file":        {chmod("a/b/lib.so", 0o666), "a/b/lib.so", "lib.so can be written by everybody"},
		"everybody's folder":      {chmod("a/b", 0o777), "a/b/lib.so", "b can be written by everybody"},
		"everybody's parent":      {chmod("a", 0o777), "a/b/lib.so", "a can be written by everybody"},
		"everybody's sticky one":  {chmod("a", 0o777|os.ModeSticky), "a/b/lib.so", ""},
		"a group's folder":        {grouped("a/b", 0o775), "a/b/lib.so", "b can be written by group 12345"},
		"a group's file":          {grouped("a/b/lib.so", 0o664), "a/b/lib.so", "lib.so can be written by group 12345"},
		"a group that only reads": {grouped("a/b", 0o755), "a/b/lib.so", ""},
		"somebody's file":         {owned("a/b/lib.so"), "a/b/lib.so", "lib.so belongs to user 12345"},
		"somebody's folder":       {owned("a/b"), "a/b/lib.so", "b belongs to user 12345"},
		"somebody's parent":       {owned("a"), "a/b/lib.so", "a belongs to user 12345"},
		"a link to it":            {linked("a/b/lib.so", "lib.so"), "lib.so", ""},
		"a relative link":         {linked("../b/lib.so", "a/c/lib.so"), "a/c/lib.so", ""},
		"somebody's link": {func(t *testing.T, root string) {
			linked("a/b/lib.so", "lib.so")(t, root)
			need(t, os.Lchown(filepath.Join(root, "lib.so"), 12345, 12345))
		}, "lib.so", "lib.so belongs to user 12345"},
		"a link through everybody's folder": {func(t *testing.T, root string) {
			linked("../a/b/lib.so", "open/lib.so")(t, root)
			linked("open/lib.so", "lib.so")(t, root)
			chmod("open", 0o777)(t, root)
		}, "lib.so", "open can be written by everybody"},
		"a linked folder": {linked("a", "c"), "c/b/lib.so", ""},
		"a linked folder of everybody's": {func(t *testing.T, root string) {
			linked("a/b", "c")(t, root)
			chmod("a", 0o777)(t, root)
		}, "c/lib.so", "a can be written by everybody"},
		"a folder":         {path: "a/b", want: "no regular file"},
		"nothing":          {path: "a/b/none.so", want: "no such file"},
		"a link to itself": {linked("loop", "loop"), "loop", "a link to itself"},
		"below a file":     {path: "a/b/lib.so/lib.so", want: "is no folder"},
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			need(t, os.MkdirAll(filepath.Join(root, "a/b"), 0o755))
			need(t, os.WriteFile(filepath.Join(root, "a/b/lib.so"), nil, 0o644))
			if c.change != nil {
				c.change(t, root)
			}
			err := Trusted(filepath.Join(root, c.path))
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
	for _, path := range []string{"lib.so", "./lib.so", ".venv/lib.so", ""} {
		if err := Trusted(path); !errors.As(err, new(*RefusedError)) || !strings.Contains(err.Error(), "below the current one") {
			t.Errorf("%q: %v", path, err)
		}
	}
}

// TestLinker: a list of folders that has the current one is harmless as long as
// no library lies there.
func TestLinker(t *testing.T) {
	for name, c := range map[string]struct {
		list, file string
		fine       bool
	}{
		"no list":              {"", "libz.so.1", true},
		"absolute":             {"/usr/lib:/lib", "libz.so.1", true},
		"empty at its end":     {"/usr/lib:", "libz.so.1", false},
		"empty in the middle":  {"/usr/lib::/lib", "libz.so.1", false},
		"semicolon":            {"/usr/lib;;/lib", "libz.so.1", false},
		"a dot":                {".", "libz.so.1", false},
		"a folder":             {"/lib:here", "here/libz.so", false},
		"another folder":       {"/lib:here", "there/libz.so", true},
		"a colon and pictures": {"/usr/lib:", "a.jpg", true},
		"of the program":       {"$ORIGIN/../lib", "libz.so", true},
	} {
		dir := t.TempDir()
		t.Chdir(dir)
		t.Setenv(pathVariable, c.list)
		need(t, os.MkdirAll(filepath.Dir(c.file), 0o755))
		need(t, os.WriteFile(c.file, nil, 0o644))
		if err := Check("libturbojpeg.so.0"); (err == nil) != c.fine {
			t.Errorf("%s: %v", name, err)
		} else if err != nil && !strings.Contains(err.Error(), c.file+" is refused: $LD_LIBRARY_PATH") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func chmod(name string, mode os.FileMode) func(*testing.T, string) {
	return func(t *testing.T, root string) { need(t, os.Chmod(filepath.Join(root, name), mode)) }
}

func grouped(name string, mode os.FileMode) func(*testing.T, string) {
	return func(t *testing.T, root string) {
		if err := os.Chown(filepath.Join(root, name), -1, 12345); err != nil {
			t.Skip(err)
		}
		chmod(name, mode)(t, root)
	}
}

func owned(name string) func(*testing.T, string) {
	return func(t *testing.T, root string) {
		if err := os.Chown(filepath.Join(root, name), 12345, -1); err != nil {
			t.Skip(err)
		}
	}
}

func linked(to, name string) func(*testing.T, string) {
	return func(t *testing.T, root string) {
		need(t, os.MkdirAll(filepath.Dir(filepath.Join(root, name)), 0o755))
		need(t, os.Symlink(to, filepath.Join(root, name)))
	}
}

func need(t *testing.T, err error) {
	t.Helper()
	if os.IsPermission(err) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
}
