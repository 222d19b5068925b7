package cpu

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// TestRoom: the room is the machine's memory, and two contexts share it.
func TestRoom(t *testing.T) {
	a, err := New("cpu", Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	r, err := a.Room()
	if err != nil {
		t.Fatal(err)
	}
	var info unix.Sysinfo_t
	if err := unix.Sysinfo(&info); err != nil {
		t.Fatal(err)
	}
	if most := int64(info.Totalram+info.Totalswap) * int64(info.Unit); r.Total > most || r.Free > r.Total || r.Free < 1<<20 {
		t.Errorf("room %+v on a machine of %d bytes", r, most)
	}
	b, err := New("cpu", Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if other, err := b.Room(); err != nil || other.Of != r.Of {
		t.Errorf("another context's memory is of %v, %v, want %v", other.Of, err, r.Of)
	}
}

// TestGroupLimit: the least limit of a control group and those above counts.
func TestGroupLimit(t *testing.T) {
	root := t.TempDir()
	process := filepath.Join(root, "self")
	for path, text := range map[string]string{"self": "12:memory:/old\n0::/a/b/c\n", "memory.max": "9000\n", "a/memory.max": "max\n", "a/b/memory.max": "4096\n", "a/b/c/memory.max": "8192\n"} {
		if err := errors.Join(os.MkdirAll(filepath.Dir(filepath.Join(root, path)), 0o777), os.WriteFile(filepath.Join(root, path), []byte(text), 0o666)); err != nil {
			t.Fatal(err)
		}
	}
	if got, ok := groupLimit(process, root); !ok || got != 4096 {
		t.Errorf("limit %d, %v; want 4096", got, ok)
	}
	if _, ok := groupLimit(filepath.Join(root, "none"), root); ok {
		t.Error("a limit without a control group")
	}
}

// TestGroupLimitVersion1: the groups of the memory controller count, and where a
// container can't see its group's name, what it sees as the top.
func TestGroupLimitVersion1(t *testing.T) {
	root := t.TempDir()
	process := filepath.Join(root, "self")
	for path, text := range map[string]string{"self": "5:cpu,cpuacct:/x\n4:memory:/docker/0123\n0::/\n",
		"memory/memory.limit_in_bytes": "9223372036854771712\n", "memory/docker/memory.limit_in_bytes": "5000\n", "cpu/x/memory.limit_in_bytes": "7\n"} {
		if err := errors.Join(os.MkdirAll(filepath.Dir(filepath.Join(root, path)), 0o777), os.WriteFile(filepath.Join(root, path), []byte(text), 0o666)); err != nil {
			t.Fatal(err)
		}
	}
	if got, ok := groupLimit(process, root); !ok || got != 5000 {
		t.Errorf("limit %d, %v; want 5000", got, ok)
	}
	if err := os.WriteFile(filepath.Join(root, "memory/memory.limit_in_bytes"), []byte("4000\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	if got, ok := groupLimit(process, root); !ok || got != 4000 {
		t.Errorf("limit %d, %v; want the top's 4000", got, ok)
	}
}

// TestMemoryWithoutProc: a root folder with nothing but the program has no /proc.
func TestMemoryWithoutProc(t *testing.T) {
	with, _, err := machineMemory("/proc/meminfo")
	if err != nil {
		t.Fatal(err)
	}
	without, free, err := machineMemory(filepath.Join(t.TempDir(), "meminfo"))
	if err != nil || free <= 0 || free > without || without < with-with/50 || without > with+with/50 {
		t.Errorf("%d bytes, %d free, %v; /proc/meminfo says %d", without, free, err, with)
	}
}
