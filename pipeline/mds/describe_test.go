package mds

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func TestDescribeShard(t *testing.T) {
	for _, compression := range []string{"", "zstd:3"} {
		dir := t.TempDir()
		w, err := NewWriter(dir, WriterConfig{
			Columns:     []Column{{"image", "bytes"}, {"label", "int"}},
			SizeLimit:   1 << 10,
			Compression: compression,
			Hashes:      []string{"sha1", "xxh64"},
		})
		if err != nil {
			t.Fatal(err)
		}
		for i := range 30 {
			if err := w.Write(make([]byte, 100), AppendInt(nil, int64(i))); err != nil {
				t.Fatal(err)
			}
		}
		shards, err := w.Finish()
		if err != nil || len(shards) < 3 {
			t.Fatal(len(shards), err)
		}
		for _, want := range shards {
			name := want.RawData.Basename
			if want.ZipData != nil {
				name = want.ZipData.Basename
			}
			got, err := DescribeShard(dir, name)
			if err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("%s: got %+v, want %+v, %v", name, got, want, err)
			}
		}
	}
}

func TestDescribeShardRefuses(t *testing.T) {
	dir := t.TempDir()
	for name, c := range map[string]struct{ data, want string }{
		"empty.mds":     {"", "unexpected EOF"},
		"text.mds":      {"this is not a shard at all", "not a shard, or damaged"},
		"json.mds":      {"\x01\x00\x00\x00\x0e\x00\x00\x00\x0e\x00\x00\x00{]", "header: invalid"},
		"junk.mds.zstd": {"this is not zstd", "zstd: "},
		"other.mds":     {"\x01\x00\x00\x00\x0e\x00\x00\x00\x0e\x00\x00\x00{}", "format"},
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(c.data), 0o666); err != nil {
			t.Fatal(err)
		}
		if _, err := DescribeShard(dir, name); err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: got %v, want …%s…", name, err, c.want)
		}
	}
}
