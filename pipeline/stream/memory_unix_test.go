//go:build unix

package stream

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"testing"
)

func TestMemory(t *testing.T) {
	open := func(content string) *os.File {
		name := filepath.Join(t.TempDir(), "memory")
		if err := os.WriteFile(name, []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
		f, err := os.OpenFile(name, os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		return f
	}
	f := open("")
	m, err := Memory(strconv.Itoa(int(f.Fd())))(3 << 20)
	if err != nil || len(m) != 3<<20 {
		t.Fatalf("%d bytes, %v", len(m), err)
	}
	m[3<<20-1] = 7
	got := make([]byte, 2)
	if _, err := f.ReadAt(got, 3<<20-2); err != nil || !bytes.Equal(got, []byte{0, 7}) {
		t.Errorf("the file ends in %v, %v", got, err)
	}
	for _, handle := range []string{"", "x", "0", strconv.Itoa(int(open("data").Fd())), "987654"} {
		if _, err := Memory(handle)(4096); err == nil {
			t.Errorf("%q is taken for memory", handle)
		}
	}
}

// TestBounds: more memory than there is is refused before any of it is filled.
func TestBounds(t *testing.T) {
	asked := func(int) ([]byte, error) {
		t.Error("memory is asked for")
		return nil, nil
	}
	for _, rows := range []int{3_000_000_000_000_000, 1 << 40, 0, -1} {
		if _, err := newRing(3, rows, 74, asked); err == nil {
			t.Errorf("%d pictures a batch are believed", rows)
		}
	}
	if free, err := available(); err == nil {
		f, err := os.Create(filepath.Join(t.TempDir(), "memory"))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if _, err := Memory(strconv.Itoa(int(f.Fd())))(int(free) * 4); err == nil {
			t.Error("four times the machine's memory is given")
		}
		if info, err := f.Stat(); err != nil || info.Size() != 0 {
			t.Errorf("%d bytes are filled, %v", info.Size(), err)
		}
	}
}
