package file

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestReadAll reads up to the limit, and no file that states less than it has.
func TestReadAll(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "ten")
	write(t, path, "0123456789")
	for limit, fits := range map[int64]bool{9: false, 10: true, 1 << 40: true} {
		got, err := ReadAll(path, limit)
		var large *TooLargeError
		switch {
		case fits && (err != nil || string(got) != "0123456789"):
			t.Errorf("limit %d: %q, %v", limit, got, err)
		case !fits && (!errors.As(err, &large) || large.Size != 10 || large.Limit != 9 || !strings.Contains(err.Error(), path)):
			t.Errorf("limit %d: %v", limit, err)
		}
	}
	sparse := filepath.Join(dir, "sparse")
	write(t, sparse, "")
	if err := os.Truncate(sparse, 3<<30); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadAll(sparse, 1<<20); !errors.As(err, new(*TooLargeError)) {
		t.Errorf("3 GB of nothing: %v", err)
	}
	if _, err := ReadAll(filepath.Join(dir, "none"), 1); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	const unsized = "/proc/self/maps" // has bytes, and a size of 0
	if _, err := os.Stat(unsized); err != nil {
		return
	}
	if _, err := ReadAll(unsized, 10); !errors.As(err, new(*TooLargeError)) {
		t.Errorf("%s: %v", unsized, err)
	}
	if got, err := ReadAll(unsized, 1<<20); err != nil || len(got) == 0 {
		t.Errorf("%s: %d bytes, %v", unsized, len(got), err)
	}
}

// TestKinds: what isn't a regular file is refused at once for reading and for
// writing, and stays.
func TestKinds(t *testing.T) {
	dir := t.TempDir()
	regularFile := filepath.Join(dir, "regular")
	write(t, regularFile, "text")
	kinds := map[string]string{"folder": "a folder", "link": "a link", "device": "a device", "pipe": "a named pipe", "socket": "a socket", "far": "a link"}
	if err := os.Mkdir(filepath.Join(dir, "folder"), 0o777); err != nil {
		t.Fatal(err)
	}
	special(t, dir, kinds)
	link(t, regularFile, filepath.Join(dir, "link"))
	link(t, os.DevNull, filepath.Join(dir, "far"))
	if l, err := net.Listen("unix", filepath.Join(dir, "socket")); err == nil {
		defer l.Close()
	} else {
		delete(kinds, "socket")
	}
	for name, want := range kinds {
		path := filepath.Join(dir, name)
		before, err := os.Lstat(path)
		if err != nil {
			t.Fatal(err)
		}
		refused := func(what string, err error, want string) {
			var k *KindError
			if !errors.As(err, &k) || !strings.Contains(err.Error(), path+" is "+want) {
				t.Errorf("%s %s: %v, want that it is %s", what, name, err, want)
			}
		}
		begun := time.Now()
		switch _, err := ReadAll(path, 100); name {
		case "link":
			if err != nil {
				t.Errorf("read a link to a file: %v", err)
			}
		case "far":
			refused("read", err, "a device")
		default:
			refused("read", err, want)
		}
		_, err = OpenPlain(path)
		refused("open plainly", err, want)
		if f, err := open(path, os.O_RDONLY); err == nil && (name == "link" || name == "far") { // planted after it was looked at
			f.Close()
			t.Errorf("%s is followed", name)
		} else if err == nil {
			f.Close()
		}
		refused("replace", WriteAll(path, []byte("new")), want)
		refused("ask for", Writable(path), want)
		_, err = OpenOwn(path)
		refused("open", err, want)
		refused("link to", Linked(regularFile, path), want)
		if _, err := CreateNew(path); !errors.Is(err, os.ErrExist) {
			t.Errorf("create %s: %v", name, err)
		}
		if took := time.Since(begun); took > 30*time.Second {
			t.Errorf("%s: refused after %v", name, took)
		}
		if after, err := os.Lstat(path); err != nil || after.Mode() != before.Mode() || !os.SameFile(before, after) {
			t.Errorf("%s has become %v, %v", name, after, err)
		}
	}
	if got := read(t, regularFile); got != "text" {
		t.Errorf("the link's file holds %q", got)
	}
}

// TestReplaceTogether: writers of one file take nothing from each other, neither
// bytes nor what they have not named yet.
func TestReplaceTogether(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out.json")
	var together sync.WaitGroup
	for i := range 8 {
		together.Go(func() {
			text := strings.Repeat(fmt.Sprint(i), 1<<17)
			for range 4 {
				if err := Write(path, func(w io.Writer) error { _, err := io.WriteString(w, text); return err }); err != nil {
					t.Error(err)
				}
			}
		})
	}
	together.Wait()
	whole := read(t, path)
	if len(whole) != 1<<17 || strings.Trim(whole, whole[:1]) != "" {
		t.Errorf("%d bytes of several writers", len(whole))
	}
	if got := list(t, filepath.Dir(path)); got != "out.json" {
		t.Errorf("left: %s", got)
	}
}

// TestReplace: whole or not at all, through no planted link, and with nothing left.
func TestReplace(t *testing.T) {
	dir := t.TempDir()
	path, victim := filepath.Join(dir, "out.json"), filepath.Join(dir, "victim")
	write(t, victim, "mine")
	link(t, victim, path+".tmp")
	if err := WriteAll(path, []byte("old")); err != nil {
		t.Fatal(err)
	}
	whole := read(t, path)
	failed := errors.New("failed")
	if err := Write(path, func(w io.Writer) error { io.WriteString(w, "half"); return failed }); err != failed {
		t.Errorf("error %v", err)
	}
	err := Replace(path, func(f *os.File) error { f.Close(); _, err := f.WriteString("late"); return err })
	if at := (*os.PathError)(nil); !errors.As(err, &at) || at.Path != path {
		t.Errorf("error %v, want one of %s", err, path)
	}
	if read(t, path) != whole || read(t, victim) != "mine" {
		t.Error("a failed write or a planted link changed a file")
	}
	if got := list(t, dir); got != "out.json out.json.tmp victim" {
		t.Errorf("left: %s", got)
	}
	if err := Linked(victim, path); err != nil || read(t, path) != "mine" {
		t.Errorf("linked: %v", err)
	}
	if err := Linked(victim, path); err != nil || list(t, dir) != "out.json out.json.tmp victim" {
		t.Errorf("linked again: %v, %s", err, list(t, dir))
	}
	for name, write := range map[string]func(string) error{"WriteAll": func(path string) error { return WriteAll(path) }, "Writable": Writable} {
		missing := filepath.Join(dir, "none", "out")
		if at := (*os.PathError)(nil); !errors.As(write(missing), &at) || !errors.Is(at, os.ErrNotExist) || at.Path != missing {
			t.Errorf("%s without a folder: %v", name, at)
		}
	}
	if err := Writable(path); err != nil || read(t, path) != "mine" || list(t, dir) != "out.json out.json.tmp victim" {
		t.Errorf("only asked: %v, %s", err, list(t, dir))
	}
}

// TestSweep: what killed processes left goes with the next writing, or when it
// is asked for; what is being written stays.
func TestSweep(t *testing.T) {
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	write(t, in("a.0123456789abcdef.tmp"), "left")
	write(t, in("b.0123456789abcdef.tmp"), "left")
	write(t, in("a.tmp"), "somebody's")
	write(t, in("a.0123456789abcdeg.tmp"), "somebody's")
	living, err := Create(in("a"))
	if err != nil {
		t.Fatal(err)
	}
	if err := WriteAll(in("a"), []byte("1")); err != nil {
		t.Fatal(err)
	}
	if got, want := list(t, dir), "a a.0123456789abcdeg.tmp "+filepath.Base(living.Name())+" a.tmp b.0123456789abcdef.tmp"; sorted(got) != sorted(want) {
		t.Errorf("in the folder: %s\nwant: %s", got, want)
	}
	if err := Sweep(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := living.WriteString("2"); err != nil {
		t.Fatal(err)
	}
	if err := living.Commit(); err != nil {
		t.Fatal(err)
	}
	living.Abort() // nothing any more
	if got := list(t, dir); got != "a a.0123456789abcdeg.tmp a.tmp" || read(t, in("a")) != "2" {
		t.Errorf("in the folder: %s", got)
	}
}

func TestLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	open := func() *os.File {
		f, err := OpenOwn(path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		return f
	}
	first, second := open(), open()
	if mine, err := TryLock(first); !mine || err != nil {
		t.Fatalf("%v, %v", mine, err)
	}
	if mine, err := TryLock(second); mine || err != nil {
		t.Fatalf("locked twice: %v", err)
	}
	ended := errors.New("ended")
	ctx, cancel := context.WithTimeoutCause(t.Context(), 10*time.Millisecond, ended)
	defer cancel()
	if err := Lock(ctx, second); err != ended {
		t.Errorf("error %v", err)
	}
	first.Close()
	if err := Lock(t.Context(), second); err != nil {
		t.Error(err)
	}
	if !HasName(second) {
		t.Error("a file is gone that has its name")
	}
	if err := os.Remove(path); err != nil {
		t.Fatal("an open file can't be removed: ", err)
	}
	if _, err := os.Lstat(path); err == nil {
		t.Skip("this system keeps the names of open files until they are closed (wine, old Windows)")
	}
	if HasName(second) {
		t.Error("a file has its name that is gone")
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func link(t *testing.T, to, path string) {
	t.Helper()
	if err := os.Symlink(to, path); err != nil {
		t.Skip(err)
	}
	if info, err := os.Lstat(path); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Skip("this system says that it has made a link, and there is none (wine)")
	}
}

func sorted(names string) string {
	all := strings.Fields(names)
	slices.Sort(all)
	return strings.Join(all, " ")
}

func list(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return strings.Join(names, " ")
}

// TestReplaceWhileRead: a file that a reader has open is replaced, on Windows once
// the reader is done.
func TestReplaceWhileRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out")
	if err := WriteAll(path, []byte("old")); err != nil {
		t.Fatal(err)
	}
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	done := time.AfterFunc(100*time.Millisecond, func() { f.Close() })
	defer done.Stop()
	if err := WriteAll(path, []byte("new")); err != nil {
		t.Fatal(err)
	}
	if read(t, path) != "new" {
		t.Errorf("holds %q", read(t, path))
	}
}

// TestRemoveOpen: the name is gone on every system.
func TestRemoveOpen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "own")
	f, err := OpenOwn(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := RemoveOpen(f); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("it is there: %v", err)
	}
}
