package mds_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"alexnet/pipeline/codec"
	"alexnet/pipeline/mds"
)

// pictureSize of the pictures in these tests, pixels a side.
const pictureSize = 24

// picture i: a slope of colour that differs from picture to picture.
func picture(i int) []byte {
	rgb := make([]byte, 0, pictureSize*pictureSize*3)
	for y := range pictureSize {
		for x := range pictureSize {
			rgb = append(rgb, byte(8*i+4*x), byte(8*y), byte(3*(x+y)+i))
		}
	}
	return rgb
}

func pictureName(i int) string { return fmt.Sprintf("n%08d/Bild_ä_%d.JPEG", i%3, i) }

// writePictures makes a folder of shards as the sharding job does, with three
// labels and an index with a key of ours.
func writePictures(t *testing.T, dir string, c codec.Codec, samples int, cfg mds.WriterConfig) {
	t.Helper()
	cfg.Columns = []mds.Column{{Name: "image", Encoding: c.Encoding(pictureSize)}, {Name: "label", Encoding: "int"}, {Name: "name", Encoding: "str"}}
	w, err := mds.NewWriter(dir, cfg)
	if err != nil {
		t.Fatal(err)
	}
	encoder := c.NewEncoder(pictureSize)
	for i := range samples {
		image, err := encoder.Encode(nil, picture(i))
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Write(image, mds.AppendInt(nil, int64(i%3)), []byte(pictureName(i))); err != nil {
			t.Fatal(err)
		}
	}
	shards, err := w.Finish()
	if err != nil {
		t.Fatal(err)
	}
	meta := fmt.Sprintf(`{"format_version":1,"split":"train","images":%d,"size":%d,"codec":%q,"seed":7,`+
		`"classes":[{"id":"n00000000"},{"id":"n00000001","name":"slope"},{"id":"n00000002"}],`+
		`"statistics":%s,"source":{"layout":"folders","found":%d}}`,
		samples, pictureSize, c.Name(), statistics(samples), samples)
	x := mds.Index{Version: mds.Version, Shards: shards, Extra: map[string]json.RawMessage{"alexnet": json.RawMessage(meta)}}
	if err := x.Write(dir); err != nil {
		t.Fatal(err)
	}
}

// statistics are the exact sums over the first pictures, as JSON.
func statistics(samples int) string {
	var pixels uint64
	var sum [3]uint64
	var products [3][3]uint64
	for i := range samples {
		for rgb := picture(i); len(rgb) > 0; rgb = rgb[3:] {
			pixels++
			for a := range 3 {
				sum[a] += uint64(rgb[a])
				for b := range 3 {
					products[a][b] += uint64(rgb[a]) * uint64(rgb[b])
				}
			}
		}
	}
	text, err := json.Marshal(map[string]any{"pixels": pixels, "sum": sum, "products": products})
	if err != nil {
		panic(err)
	}
	return string(text)
}

// decodePictures gives all pictures of a folder, one after another.
func decodePictures(t *testing.T, dir string, c codec.Codec) []byte {
	t.Helper()
	x, err := mds.ReadIndex(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all []byte
	decoder, rgb := c.NewDecoder(pictureSize), make([]byte, pictureSize*pictureSize*3)
	for _, info := range x.Shards {
		s, err := mds.OpenShard(dir, info)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if err := s.Verify(); err != nil {
			t.Fatal(err)
		}
		for i := range s.Len() {
			image, err := s.Column(i, info.Column("image"))
			if err != nil {
				t.Fatal(err)
			}
			if err := decoder.Decode(rgb, image); err != nil {
				t.Fatal(err)
			}
			all = append(all, rgb...)
		}
	}
	return all
}

var makeVersion1 = flag.Bool("make-version-1", false, "make the folders of testdata/version-1 that aren't there yet")

// TestVersion1 reads the committed folders of format version 1. They are never
// made again: whatever becomes of the writer, these bytes stay readable.
func TestVersion1(t *testing.T) {
	const samples = 3
	for _, test := range []struct {
		codec, compression string
	}{
		{"raw", ""}, {"raw", "zstd:3"}, {"jpeg", ""}, {"lossless", ""},
	} {
		name := test.codec
		if test.compression != "" {
			name += "-zstd"
		}
		t.Run(name, func(t *testing.T) {
			c, err := codec.ByName(test.codec, codec.Options{})
			if err != nil {
				t.Fatal(err)
			}
			dir := filepath.Join("testdata", "version-1", name)
			if _, err := os.Stat(dir); err != nil && *makeVersion1 {
				if err := os.MkdirAll(dir, 0o777); err != nil {
					t.Fatal(err)
				}
				writePictures(t, dir, c, samples, mds.WriterConfig{
					SizeLimit: 1 << 12, Compression: test.compression, Hashes: []string{"sha1", "xxh64"},
				})
			}
			x, err := mds.ReadIndex(dir)
			if err != nil {
				t.Fatal(err)
			}
			var meta struct {
				FormatVersion int `json:"format_version"`
				Codec         string
			}
			if err := json.Unmarshal(x.Extra["alexnet"], &meta); err != nil || meta.FormatVersion != 1 || meta.Codec != test.codec {
				t.Errorf("meta is %+v, %v", meta, err)
			}
			checkLabels(t, dir, x, samples)
			var want []byte
			for i := range samples {
				want = append(want, picture(i)...)
			}
			got := decodePictures(t, dir, c)
			if test.codec == "jpeg" { // loses a little
				checkNear(t, got, want)
			} else if !bytes.Equal(got, want) {
				t.Error("the pixels are not what they were")
			}
		})
	}
}

// checkLabels compares all labels and names with writePictures'.
func checkLabels(t *testing.T, dir string, x *mds.Index, samples int) {
	t.Helper()
	if x.Samples() != samples {
		t.Fatalf("%d samples, want %d", x.Samples(), samples)
	}
	i := 0
	for _, info := range x.Shards {
		s, err := mds.OpenShard(dir, info)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		for j := range s.Len() {
			values, err := s.Sample(nil, j)
			if err != nil {
				t.Fatal(err)
			}
			label, err := mds.Int(values[1])
			if err != nil || label != int64(i%3) || string(values[2]) != pictureName(i) {
				t.Errorf("sample %d: label %d, %v, name %q; want %d, %q", i, label, err, values[2], i%3, pictureName(i))
			}
			i++
		}
	}
}
