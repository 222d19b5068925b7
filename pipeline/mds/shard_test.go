package mds

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
)

// columns of the small shards in these tests.
var testColumns = []Column{{"image", "bytes"}, {"label", "int"}, {"name", "str"}}

// writeShards writes n samples and their index: image i has i bytes of value i,
// label −i, name "picture i".
func writeShards(t testing.TB, n int, cfg WriterConfig) (dir string, x *Index) {
	t.Helper()
	dir = t.TempDir()
	cfg.Columns = testColumns
	w, err := NewWriter(dir, cfg)
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		if err := w.Write(testSample(i)...); err != nil {
			t.Fatal(err)
		}
	}
	shards, err := w.Finish()
	if err != nil {
		t.Fatal(err)
	}
	x = &Index{Version: Version, Shards: shards}
	if err := x.Write(dir); err != nil {
		t.Fatal(err)
	}
	return dir, x
}

func testSample(i int) [][]byte {
	return [][]byte{bytes.Repeat([]byte{byte(i)}, i), AppendInt(nil, -int64(i)), fmt.Appendf(nil, "picture %d", i)}
}

func TestRoundTrip(t *testing.T) {
	for _, test := range []struct {
		name string
		cfg  WriterConfig
	}{
		{"one shard", WriterConfig{}},
		{"no limit", WriterConfig{SizeLimit: NoSizeLimit}},
		{"many shards", WriterConfig{SizeLimit: 1000, Hashes: []string{"xxh64"}}},
		{"a shard a sample", WriterConfig{SizeLimit: 1, First: 99998}},
		{"zstd", WriterConfig{SizeLimit: 1000, Compression: "zstd:3", Hashes: HashNames()}},
	} {
		t.Run(test.name, func(t *testing.T) {
			const samples = 40
			dir, written := writeShards(t, samples, test.cfg)
			x, err := ReadIndex(dir)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(x.Shards, written.Shards) {
				t.Errorf("the index read\n%v\nis not the one written\n%v", x.Shards, written.Shards)
			}
			if x.Samples() != samples {
				t.Errorf("%d samples, want %d", x.Samples(), samples)
			}
			next := 0
			for k, info := range x.Shards {
				s, err := Access{NoMap: k%2 == 1}.OpenShard(dir, info)
				if err != nil {
					t.Fatal(err)
				}
				if err := s.Verify(); err != nil {
					t.Error(err)
				}
				var values [][]byte
				for i := range s.Len() {
					values, err = s.Sample(values[:0], i)
					if err != nil {
						t.Fatal(err)
					}
					if got, want := fmt.Sprint(values), fmt.Sprint(testSample(next)); got != want {
						t.Errorf("sample %d is %s, want %s", next, got, want)
					}
					next++
				}
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			}
			if next != samples {
				t.Errorf("shards hold %d samples, want %d", next, samples)
			}
		})
	}
}

// TestHashes has hashes of "abc" from Python's hashlib and xxhash.
func TestHashes(t *testing.T) {
	for name, want := range map[string]string{
		"md5":      "900150983cd24fb0d6963f7d28e17f72",
		"sha1":     "a9993e364706816aba3e25717850c26c9cd0d89d",
		"sha256":   "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
		"xxh64":    "44bc2cf5ad770999",
		"xxh3_64":  "78af5f94892f3950",
		"xxh128":   "06b05ab6733a618578af5f94892f3950",
		"xxh3_128": "06b05ab6733a618578af5f94892f3950",
	} {
		if got := sum([]string{name}, []byte("a"), []byte("bc"))[name]; got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
}

// TestDamage changes a shard of three samples and says what must be reported.
// The header: n at 0, offsets at 4, 8, 12, 16, then 218 bytes of JSON. Sample i
// takes 25+i bytes: lengths 4+4, image i, label 8, name 9.
func TestDamage(t *testing.T) {
	put := func(at int, v uint32) func([]byte) []byte {
		return func(data []byte) []byte {
			binary.LittleEndian.PutUint32(data[at:], v)
			return data
		}
	}
	for _, test := range []struct {
		name   string
		change func([]byte) []byte
		sample int
		want   string
	}{
		{"count", put(0, 4), -1, "offset 0: damaged: holds 4 samples, the index says 3"},
		{"first offset small", put(4, 19), -1, "offset 4: damaged: the first sample is said to be at 19"},
		{"first offset large", put(4, 1<<31), -1, "offset 4: damaged: the first sample is said to be at 2147483648"},
		{"offset back", put(8, 0), 0, "sample 0 offset 4: damaged: said to lie at 238 to 0"},
		{"offset past the end", put(12, 1<<30), 1, "sample 1 offset 8: damaged: said to lie at 263 to 1073741824"},
		{"last offset", put(16, 315), -1, "offset 16: damaged: the last sample is said to end at 315 of 316"},
		{"header text", func(b []byte) []byte { b[20] = 'x'; return b }, -1, "offset 20: damaged: header: invalid character 'x'"},
		{"header column", func(b []byte) []byte { return bytes.Replace(b, []byte(`"label"`), []byte(`"lapel"`), 1) }, -1,
			`offset 20: damaged: columns ["image" "lapel" "name"]`},
		{"cut", func(b []byte) []byte { return b[:100] }, -1, "offset 100: damaged: the file has 100 bytes, the index says 316"},
		{"grown", func(b []byte) []byte { return append(b, 0) }, -1, "the file has 317 bytes, the index says 316"},
		{"value length", put(263, 1<<32-1), 1, "sample 1 offset 263: damaged: its columns end at "},
		{"hash", func(b []byte) []byte { b[len(b)-1] = '!'; return b }, -1, "offset 0: damaged: sha1 of shard.00000.mds is "},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir, x := writeShards(t, 3, WriterConfig{Hashes: []string{"sha1"}})
			path := filepath.Join(dir, "shard.00000.mds")
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, test.change(data), 0o666); err != nil {
				t.Fatal(err)
			}
			if test.name == "value length" { // found without hashes as well
				x.Shards[0].Hashes = nil
			}
			err = verify(dir, x.Shards[0])
			var corrupt *CorruptError
			if !errors.As(err, &corrupt) {
				t.Fatalf("error is %v, want a CorruptError", err)
			}
			if corrupt.Shard != path || corrupt.Sample != test.sample || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error is %q, sample %d; want %q, sample %d, %s", err, corrupt.Sample, test.want, test.sample, path)
			}
		})
	}
}

func verify(dir string, info ShardInfo) error {
	s, err := OpenShard(dir, info)
	if err != nil {
		return err
	}
	defer s.Close()
	return s.Verify()
}

// TestDamagedZip flips bits of a compressed shard in turn.
func TestDamagedZip(t *testing.T) {
	dir, x := writeShards(t, 20, WriterConfig{Compression: "zstd:3", Hashes: []string{"xxh64"}})
	path := filepath.Join(dir, "shard.00000.mds.zstd")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for bit := 0; bit < 8*len(data); bit += 7 {
		data[bit/8] ^= 1 << (bit % 8)
		if err := os.WriteFile(path, data, 0o666); err != nil {
			t.Fatal(err)
		}
		data[bit/8] ^= 1 << (bit % 8)
		var corrupt *CorruptError
		if err := verify(dir, x.Shards[0]); !errors.As(err, &corrupt) {
			t.Fatalf("bit %d: error is %v, want a CorruptError", bit, err)
		}
	}
}

// TestClaims: an index or a frame that claims gigabytes is refused by name, and
// takes no memory for them.
func TestClaims(t *testing.T) {
	dir, x := writeShards(t, 20, WriterConfig{Compression: "zstd:3", Hashes: []string{"xxh64"}})
	path := filepath.Join(dir, "shard.00000.mds.zstd")
	frame := func(claim uint64) []byte { // of one segment and no blocks
		return binary.LittleEndian.AppendUint64([]byte{0x28, 0xb5, 0x2f, 0xfd, 0xe0}, claim)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for _, claim := range []int64{MaxUnpacked + 1, MaxShardSize} {
		info := x.Shards[0]
		info.RawData.Bytes = claim
		if _, err := OpenShard(dir, info); err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "zstd -d") {
			t.Errorf("an index that claims %d bytes: %v", claim, err)
		}
		if err := os.WriteFile(filepath.Join(dir, "frame.mds.zstd"), frame(uint64(claim)), 0o666); err != nil {
			t.Fatal(err)
		}
		if _, err := DescribeShard(dir, "frame.mds.zstd"); err == nil || !strings.Contains(err.Error(), "frame.mds.zstd") {
			t.Errorf("a frame that claims %d bytes: %v", claim, err)
		}
	}
	if runtime.ReadMemStats(&after); after.TotalAlloc-before.TotalAlloc > 64<<20 {
		t.Errorf("took %d MB", (after.TotalAlloc-before.TotalAlloc)>>20)
	}
	c := WriterConfig{Columns: []Column{{Name: "x", Encoding: "bytes"}}, Compression: "zstd:1", SizeLimit: MaxUnpacked + 1}
	if _, err := NewWriter(t.TempDir(), c); err == nil || !strings.Contains(err.Error(), "compressed shards have at most") {
		t.Errorf("a writer of larger ones: %v", err)
	}
}

func TestMissingShard(t *testing.T) {
	for _, compression := range []string{"", "zstd:1"} {
		dir, x := writeShards(t, 3, WriterConfig{Compression: compression})
		name := "shard.00000.mds"
		if compression != "" {
			name += ".zstd"
		}
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
		_, err := OpenShard(dir, x.Shards[0])
		want := fmt.Sprintf("%s names shard %s, which is missing; restore the file or make the shards again",
			filepath.Join(dir, "index.json"), filepath.Join(dir, name))
		if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, want %q", err, want)
		}
	}
}

// TestUnpackedBeside opens what MosaicML's reader leaves: the raw form of a
// compressed shard.
func TestUnpackedBeside(t *testing.T) {
	dir, x := writeShards(t, 3, WriterConfig{Compression: "zstd:1"})
	s, err := OpenShard(dir, x.Shards[0])
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := os.WriteFile(filepath.Join(dir, "shard.00000.mds"), s.raw.data, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(s.Path()); err != nil {
		t.Fatal(err)
	}
	if err := verify(dir, x.Shards[0]); err != nil {
		t.Error(err)
	}
}

// TestGuard cuts a file short while it is mapped.
func TestGuard(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("what a cut file does to its mapping is known on Linux")
	}
	dir, x := writeShards(t, 1000, WriterConfig{})
	s, err := OpenShard(dir, x.Shards[0])
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := os.Truncate(s.Path(), 8192); err != nil {
		t.Fatal(err)
	}
	var corrupt *CorruptError
	if err := s.Verify(); !errors.As(err, &corrupt) || !strings.Contains(err.Error(), "can no longer be read") {
		t.Errorf("error is %v, want a CorruptError", err)
	}
	defer func() {
		if recover() == nil {
			t.Error("Guard swallowed a panic that is not about the file")
		}
	}()
	s.Guard(func() error { panic("a mistake in fn") })
}

func TestColumnAllocatesNothing(t *testing.T) {
	dir, x := writeShards(t, 10, WriterConfig{})
	s, err := OpenShard(dir, x.Shards[0])
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	values := make([][]byte, 0, 3)
	allocs := testing.AllocsPerRun(100, func() {
		if values, err = s.Sample(values[:0], 7); err != nil {
			t.Fatal(err)
		}
	})
	if allocs != 0 {
		t.Errorf("%v allocations a sample, want 0", allocs)
	}
}

// FuzzShard opens shards whose bytes and index disagree in any way.
func FuzzShard(f *testing.F) {
	dir, x := writeShards(f, 3, WriterConfig{})
	data, err := os.ReadFile(filepath.Join(dir, "shard.00000.mds"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data, 3)
	f.Add(data[:60], 3)
	f.Add([]byte{}, 1)
	info := x.Shards[0]
	f.Fuzz(func(t *testing.T, data []byte, samples int) {
		info := info
		info.Samples = samples
		info.RawData.Bytes = int64(len(data))
		if info.check() != nil {
			return
		}
		s := newShard(info) // without a file, which would take most of the time
		s.raw = inMemory(data)
		if s.checkHeader() != nil {
			return
		}
		_ = s.Verify() // an error is as good as none: it must not panic
		var values [][]byte
		for i := range s.Len() {
			if values, err = s.Sample(values[:0], i); err == nil && len(values) != 3 {
				t.Errorf("sample %d has %d values", i, len(values))
			}
		}
	})
}
