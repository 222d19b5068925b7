package mds

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestWillNeed drops a shard from memory, asks for one sample, and finds it there
// soon, and little else.
func TestWillNeed(t *testing.T) {
	dir := t.TempDir()
	w, err := NewWriter(dir, WriterConfig{Columns: []Column{{"x", "bytes"}}, SizeLimit: NoSizeLimit})
	if err != nil {
		t.Fatal(err)
	}
	const samples, size = 64, 200_000
	for i := range samples {
		if err := w.Write(make([]byte, size+i)); err != nil {
			t.Fatal(err)
		}
	}
	shards, err := w.Finish()
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(filepath.Join(dir, shards[0].RawData.Basename)) // synced by the writer
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED); err != nil {
		t.Fatal(err)
	}
	s, err := OpenShard(dir, shards[0]) // reads its header, and around it
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	s.WillNeed(samples-1, true)
	resident := func() (n int) {
		for i := range samples {
			if s.Resident(i) {
				n++
			}
		}
		return n
	}
	if resident() == samples {
		t.Skip("this file system keeps its files in memory, or doesn't say which are")
	}
	for deadline := time.Now().Add(5 * time.Second); !s.Resident(samples - 1); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the sample is not read in")
		}
	}
	before := resident()
	for _, i := range []int{samples - 2, samples - 4} {
		if s.Resident(i) {
			continue // read with the header
		}
		if _, err := s.Column(i, 0); err != nil {
			t.Fatal(err)
		}
		value, _ := s.Column(i, 0)
		_ = value[size/2]
	}
	if after := resident(); after > before+2 {
		t.Errorf("%d samples are in memory after looking at two, %d before: more was read than asked for", after, before)
	}
}
