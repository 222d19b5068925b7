package file

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// special makes a pipe and, where the user may, a device, the null one.
func special(t *testing.T, dir string, kinds map[string]string) {
	t.Helper()
	if err := unix.Mkfifo(filepath.Join(dir, "pipe"), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mknod(filepath.Join(dir, "device"), unix.S_IFCHR|0o666, int(unix.Mkdev(1, 3))); err != nil {
		delete(kinds, "device")
	}
}

// TestFullDisk: the old file stays, nothing else is left, and the error names
// the file and not the one that was to become it.
func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	if err := unix.Mount("none", dir, "tmpfs", 0, "size=64k"); err != nil {
		t.Skip("no disk to fill: ", err)
	}
	defer unix.Unmount(dir, unix.MNT_DETACH)
	path := filepath.Join(dir, "out")
	if err := WriteAll(path, []byte("old")); err != nil {
		t.Fatal(err)
	}
	err := WriteAll(path, make([]byte, 1<<20))
	if !errors.Is(err, unix.ENOSPC) || !strings.Contains(err.Error(), path+":") {
		t.Errorf("error %v", err)
	}
	if list(t, dir) != "out" || read(t, path) != "old" {
		t.Errorf("left: %s", list(t, dir))
	}
}
