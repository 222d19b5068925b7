package mds

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestFlush checks at which size a shard ends. The header takes 163 bytes of JSON
// beside the count and the first offset; a sample of n bytes takes n+4, and 4
// more in the offset table.
func TestFlush(t *testing.T) {
	for _, test := range []struct {
		limit int64
		sizes []int
		want  string // samples of each shard
	}{
		{207, []int{10, 10, 10, 10}, "[2 2]"}, // 8+163 + 2·(10+4+4) = 207
		{206, []int{10, 10, 10, 10}, "[1 1 1 1]"},
		{207, []int{10, 10, 11}, "[2 1]"},
		{1, []int{0, 0}, "[1 1]"},
		{190, []int{1000, 10, 1000}, "[1 1 1]"}, // each too large, none lost
		{NoSizeLimit, []int{1000, 10, 1000}, "[3]"},
	} {
		dir := t.TempDir()
		w, err := NewWriter(dir, WriterConfig{Columns: []Column{{"x", "bytes"}}, SizeLimit: test.limit})
		if err != nil {
			t.Fatal(err)
		}
		for _, size := range test.sizes {
			if err := w.Write(make([]byte, size)); err != nil {
				t.Fatal(err)
			}
		}
		shards, err := w.Finish()
		if err != nil {
			t.Fatal(err)
		}
		var got []int
		for _, s := range shards {
			got = append(got, s.Samples)
			stat, err := os.Stat(filepath.Join(dir, s.RawData.Basename))
			if err != nil || stat.Size() != s.RawData.Bytes {
				t.Errorf("%s: %v bytes, %v; the index says %d", s.RawData.Basename, stat.Size(), err, s.RawData.Bytes)
			}
		}
		if fmt.Sprint(got) != test.want {
			t.Errorf("limit %d, samples of %v bytes: shards of %v samples, want %s (header %d)",
				test.limit, test.sizes, got, test.want, len(w.conf))
		}
	}
}

func TestNothingToWrite(t *testing.T) {
	dir, x := writeShards(t, 0, WriterConfig{})
	if len(x.Shards) != 0 {
		t.Errorf("%d shards of no samples", len(x.Shards))
	}
	if _, err := ReadIndex(dir); err != nil {
		t.Error(err)
	}
}

func TestWriterErrors(t *testing.T) {
	x := []Column{{"x", "bytes"}}
	for _, test := range []struct {
		cfg  WriterConfig
		want string
	}{
		{WriterConfig{}, "no columns"},
		{WriterConfig{Columns: []Column{{"b", "int"}, {"a", "int"}}}, "columns are not sorted by name"},
		{WriterConfig{Columns: []Column{{`"`, "int"}}}, "want printable ASCII"},
		{WriterConfig{Columns: x, SizeLimit: -2}, "size limit -2"},
		{WriterConfig{Columns: x, SizeLimit: 1 << 32}, "size limit 4294967296"},
		{WriterConfig{Columns: x, Compression: "gz"}, `compression "gz": want "zstd:1" to "zstd:22"`},
		{WriterConfig{Columns: x, Hashes: []string{"crc"}}, `unknown hash "crc"; known are md5, sha1`},
		{WriterConfig{Columns: x, Hashes: []string{"md5", "md5"}}, `hash "md5" is named twice`},
		{WriterConfig{Columns: x, First: -1}, "first shard -1"},
	} {
		if _, err := NewWriter(t.TempDir(), test.cfg); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%+v: error is %v, want %q", test.cfg, err, test.want)
		}
	}

	w, err := NewWriter(t.TempDir(), WriterConfig{Columns: []Column{{"x", "bytes"}, {"y", "int"}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(nil); err == nil || !strings.Contains(err.Error(), "1 values for 2 columns") {
		t.Errorf("too few values: %v", err)
	}
	if err := w.Write(nil, []byte{1}); err == nil || !strings.Contains(err.Error(), `column "y": 1 bytes, but encoding "int" takes 8`) {
		t.Errorf("short int: %v", err)
	}
	if err := w.Write(nil, AppendInt(nil, 1)); err != nil { // the sample after a refused one
		t.Error(err)
	}
	if shards, err := w.Finish(); err != nil || len(shards) != 1 || shards[0].Samples != 1 {
		t.Errorf("Finish: %v, %v", shards, err)
	}
	if err := w.Write(nil, AppendInt(nil, 1)); err == nil {
		t.Error("a finished writer takes samples")
	}
}

// TestKeepsWhatIsThere checks that a shard is never replaced, and that a write
// that fails leaves nothing behind.
func TestKeepsWhatIsThere(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "shard.00001.mds")
	if err := os.WriteFile(path, []byte("precious"), 0o666); err != nil {
		t.Fatal(err)
	}
	w, err := NewWriter(dir, WriterConfig{Columns: []Column{{"x", "bytes"}}, SizeLimit: 1})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := w.Write([]byte("abc")); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.Finish(); !errors.Is(err, fs.ErrExist) || !strings.Contains(err.Error(), path) {
		t.Errorf("error is %v, want one that names %s", err, path)
	}
	if len(w.Shards()) != 1 {
		t.Errorf("%d shards, want the one before the failure", len(w.Shards()))
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != "precious" {
		t.Errorf("the shard that was there holds %q, %v", got, err)
	}

	if err := os.RemoveAll(dir); err != nil {
		t.Skip("the folder stays: ", err) // as under wine
	}
	w, err = NewWriter(dir, WriterConfig{Columns: []Column{{"x", "bytes"}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write([]byte("abc")); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the failure stays
		if _, err := w.Finish(); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("folder gone: error is %v", err)
		}
	}
}
