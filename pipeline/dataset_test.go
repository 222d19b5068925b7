package pipeline

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"alexnet/augment"
	"alexnet/pipeline/codec"
	"alexnet/pipeline/mds"
)

// testSet describes a folder of shards that tests write.
type testSet struct {
	codec       string
	images      int
	size        int
	limit       int64  // of a shard in bytes
	compression string // of whole shards
	first       []int  // of the opened dataset, for tests that need it
}

// testClasses is the number of classes of a testSet; sample i has label i modulo
// testClasses.
const testClasses = 3

// testPicture is sample i of a testSet: no two pixels of one channel are alike
// in a picture of at most 15², and pictures differ.
func testPicture(i, size int) []byte {
	rgb := make([]byte, 0, size*size*3)
	for y := range size {
		for x := range size {
			rgb = append(rgb, byte(i+x+16*y), byte(3*i+2*x+y), byte(i*7))
		}
	}
	return rgb
}

// write writes the set to a new folder.
func (set testSet) write(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	c, err := codec.ByName(set.codec, codec.Options{})
	check(err)
	w, err := mds.NewWriter(dir, mds.WriterConfig{
		Columns: []mds.Column{
			{Name: ImageColumn, Encoding: c.Encoding(set.size)},
			{Name: LabelColumn, Encoding: "int"},
			{Name: NameColumn, Encoding: "str"},
		},
		SizeLimit:   set.limit,
		Compression: set.compression,
		Hashes:      []string{"xxh3_64"},
	})
	check(err)
	meta := Meta{FormatVersion: FormatVersion, Split: "train", Images: set.images, Size: set.size, Codec: set.codec}
	for i := range testClasses {
		meta.Classes = append(meta.Classes, Class{ID: fmt.Sprintf("class%d", i)})
	}
	encoder := c.NewEncoder(set.size)
	for i := range set.images {
		rgb := testPicture(i, set.size)
		meta.Statistics.Add(rgb)
		image, err := encoder.Encode(nil, rgb)
		check(err)
		check(w.Write(image, mds.AppendInt(nil, int64(i%testClasses)), fmt.Appendf(nil, "class%d/%d.png", i%testClasses, i)))
	}
	shards, err := w.Finish()
	check(err)
	raw, err := json.Marshal(meta)
	check(err)
	index := mds.Index{Version: mds.Version, Shards: shards, Extra: map[string]json.RawMessage{MetaKey: raw}}
	check(index.Write(dir))
	return dir
}

// open writes the set and opens it.
func (set testSet) open(t testing.TB) *Dataset {
	t.Helper()
	d, err := OpenDataset(set.write(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

func TestDataset(t *testing.T) {
	for _, set := range []testSet{
		{codec: "raw", images: 10, size: 5, limit: 700},
		{codec: "raw", images: 10, size: 5},
		{codec: "raw", images: 10, size: 5, limit: 700, compression: "zstd:3"},
		{codec: "lossless", images: 10, size: 16, limit: 800},
		{codec: "jpeg", images: 10, size: 16, limit: 3000},
	} {
		t.Run(fmt.Sprintf("%+v", set), func(t *testing.T) {
			d := set.open(t)
			if d.Len() != set.images || len(d.Meta().Classes) != testClasses {
				t.Fatalf("%d samples of %d classes", d.Len(), len(d.Meta().Classes))
			}
			if set.limit > 0 && len(d.shards) < 3 {
				t.Fatalf("%d shards: the case should have several", len(d.shards))
			}
			dec := d.Codec().NewDecoder(set.size)
			for i := range set.images {
				s, err := d.Sample(i)
				if err != nil {
					t.Fatal(err)
				}
				if want := fmt.Sprintf("class%d/%d.png", i%testClasses, i); s.Name != want || s.Label != i%testClasses {
					t.Errorf("sample %d is %q, label %d", i, s.Name, s.Label)
				}
				got, want := make([]byte, set.size*set.size*3), make([]byte, set.size*set.size*3)
				label, err := d.Pixels(dec, i, got)
				if err != nil || label != i%testClasses {
					t.Fatalf("sample %d: label %d, %v", i, label, err)
				}
				if err := dec.Decode(want, s.Image); err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(got, want) || set.codec != "jpeg" && !bytes.Equal(got, testPicture(i, set.size)) {
					t.Errorf("sample %d has other pixels", i)
				}
			}
			if err := d.Close(); err != nil {
				t.Error(err)
			}
			if err := d.Close(); err != nil {
				t.Errorf("second Close: %v", err)
			}
		})
	}
}

// editIndex changes the top-level keys of a folder's index.json.
func editIndex(t *testing.T, dir string, edit func(keys map[string]any)) {
	t.Helper()
	path := filepath.Join(dir, mds.IndexName)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var keys map[string]any
	if err := json.Unmarshal(text, &keys); err != nil {
		t.Fatal(err)
	}
	edit(keys)
	if text, err = json.Marshal(keys); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text, 0o666); err != nil {
		t.Fatal(err)
	}
}

// overwrite changes one byte of a file.
func overwrite(t *testing.T, path string, offset int64, value byte) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt([]byte{value}, offset); err != nil {
		t.Fatal(err)
	}
}

func TestOpenDatasetErrors(t *testing.T) {
	meta := func(key string, value any) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			editIndex(t, dir, func(keys map[string]any) { keys[MetaKey].(map[string]any)[key] = value })
		}
	}
	remove := func(name string) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			if err := os.Remove(filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, c := range map[string]struct {
		harm func(t *testing.T, dir string)
		want []string // in the message
		is   error
	}{
		"no index":      {remove("index.json"), []string{"index.json"}, fs.ErrNotExist},
		"missing shard": {remove("shard.00001.mds"), []string{"index.json", "shard.00001.mds"}, fs.ErrNotExist},
		"plain MosaicML folder": {func(t *testing.T, dir string) {
			editIndex(t, dir, func(keys map[string]any) { delete(keys, MetaKey) })
		}, []string{"index.json", "prep-imagenet shard"}, nil},
		"metadata of another type": {func(t *testing.T, dir string) {
			editIndex(t, dir, func(keys map[string]any) { keys[MetaKey] = []int{1} })
		}, []string{"index.json", MetaKey}, nil},
		"another format version": {meta("format_version", 2), []string{"format_version is 2"}, nil},
		"another count":          {meta("images", 9), []string{"9 images", "10 samples"}, nil},
		"another size":           {meta("size", 6), []string{"index.json", `"image"`, "6,6,3"}, nil},
		"huge size":              {meta("size", 1<<40), []string{"size"}, nil},
		"no size":                {meta("size", 0), []string{"size"}, nil},
		"unknown codec":          {meta("codec", "smoke"), []string{`"smoke"`}, nil},
		"no classes":             {meta("classes", nil), []string{"no classes"}, nil},
		"other columns": {func(t *testing.T, dir string) {
			editIndex(t, dir, func(keys map[string]any) {
				for _, s := range keys["shards"].([]any) {
					s.(map[string]any)["column_names"] = []string{"picture", "target", "title"}
				}
			})
		}, []string{"index.json", `column "image"`}, nil},
		"truncated shard": {func(t *testing.T, dir string) {
			if err := os.Truncate(filepath.Join(dir, "shard.00002.mds"), 300); err != nil {
				t.Fatal(err)
			}
		}, []string{"shard.00002.mds", "offset 300"}, nil},
		"flipped bit in a header": {func(t *testing.T, dir string) {
			overwrite(t, filepath.Join(dir, "shard.00000.mds"), 0, 200)
		}, []string{"shard.00000.mds", "offset 0"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			dir := testSet{codec: "raw", images: 10, size: 5, limit: 700}.write(t)
			c.harm(t, dir)
			d, err := OpenDataset(dir)
			if err == nil {
				d.Close()
				t.Fatal("no error")
			}
			for _, want := range append(c.want, dir) {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q does not say %q", err, want)
				}
			}
			if c.is != nil && !errors.Is(err, c.is) {
				t.Errorf("error %q is not %v", err, c.is)
			}
		})
	}
}

// TestMissingCompressedShard shows when the folder is opened, although nothing
// is unpacked then.
func TestMissingCompressedShard(t *testing.T) {
	dir := testSet{codec: "raw", images: 10, size: 5, limit: 700, compression: "zstd:3"}.write(t)
	if err := os.Remove(filepath.Join(dir, "shard.00001.mds.zstd")); err != nil {
		t.Fatal(err)
	}
	_, err := OpenDataset(dir)
	if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "shard.00001.mds.zstd") {
		t.Errorf("error %v", err)
	}
}

// TestDamagedSamples harms sample 3 in shard 1 in each of the ways that show
// when it is read.
func TestDamagedSamples(t *testing.T) {
	const size = 16
	for name, c := range map[string]struct {
		codec string
		harm  func(t *testing.T, path string, begin int64) // where the sample begins
		want  string
	}{
		"label out of range": {"raw", func(t *testing.T, path string, begin int64) {
			overwrite(t, path, begin+4+size*size*3, 77) // u32 length of name, image, label
		}, "label is 77"},
		"length of the name": {"raw", func(t *testing.T, path string, begin int64) {
			overwrite(t, path, begin, 200)
		}, "columns end at"},
		"no JPEG": {"jpeg", func(t *testing.T, path string, begin int64) {
			overwrite(t, path, begin+8, 0) // two lengths, image
		}, "JPEG"},
	} {
		t.Run(name, func(t *testing.T) {
			d := testSet{codec: c.codec, images: 10, size: size, limit: 2000}.open(t)
			shard, err := d.acquireShard(t.Context(), d.shards[1])
			if err != nil {
				t.Fatal(err)
			}
			i := d.first[1] + 1
			var at *mds.CorruptError
			if !errors.As(shard.Corrupt(1, errors.New("")), &at) {
				t.Fatal("no CorruptError")
			}
			c.harm(t, shard.Path(), at.Offset)
			_, err = d.Pixels(d.Codec().NewDecoder(size), i, make([]byte, size*size*3))
			var damage *mds.CorruptError
			if !errors.As(err, &damage) {
				t.Fatalf("error %v is no CorruptError", err)
			}
			if damage.Shard != shard.Path() || damage.Sample != 1 || damage.Offset != at.Offset || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v; want %s, sample 1, offset %d, %q", err, shard.Path(), at.Offset, c.want)
			}
		})
	}
}

func TestDatasetStatistics(t *testing.T) {
	d := testSet{codec: "raw", images: 10, size: 5}.open(t)
	var want augment.Sums
	for i := range 10 {
		want.Add(testPicture(i, 5))
	}
	if d.Meta().Statistics != want {
		t.Errorf("statistics %+v, want %+v", d.Meta().Statistics, want)
	}
}
