package codec_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/klauspost/compress/zstd"

	"alexnet/pipeline/codec"
	"alexnet/pipeline/decode"
)

const sampleSize = 256

// sampleFiles are the 300 originals of the data folder, or none.
func sampleFiles() []string {
	root := os.Getenv("ALEXNET_DATA")
	if root == "" {
		root = "../../../shared/data"
	}
	files, _ := filepath.Glob(filepath.Join(root, "imagenet-sample", "*.JPEG"))
	return files
}

// samplePicture is an original as a shard would hold it.
func samplePicture(t testing.TB, file string) []byte {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	rgb := make([]byte, sampleSize*sampleSize*3)
	if err := decode.New(decode.Config{Size: sampleSize}).Decode(context.Background(), rgb, data); err != nil {
		t.Fatal(err)
	}
	return rgb
}

// samplePictures returns count of the originals, or all if there are fewer. Without any
// it skips the test.
func samplePictures(t testing.TB, count int) [][]byte {
	t.Helper()
	files := sampleFiles()
	if len(files) == 0 {
		t.Skip("no ../shared/data/imagenet-sample beside the repository, and none in $ALEXNET_DATA")
	}
	count = min(count, len(files))
	pictures := make([][]byte, count)
	for i := range pictures {
		pictures[i] = samplePicture(t, files[i*len(files)/count])
	}
	return pictures
}

// TestLosslessSample takes all originals there and back, and holds the codec to
// its size: at most 0.55 of the raw bytes.
func TestLosslessSample(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	all := samplePictures(t, 300)
	encoder, decoder := codec.Lossless{}.NewEncoder(sampleSize), codec.Lossless{}.NewDecoder(sampleSize)
	var encoded []byte
	var err error
	got := make([]byte, sampleSize*sampleSize*3)
	before, after := 0, 0
	for i, rgb := range all {
		if encoded, err = encoder.Encode(encoded[:0], rgb); err != nil {
			t.Fatal(err)
		}
		if err := decoder.Decode(got, encoded); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, rgb) {
			t.Errorf("picture %d: the pixels differ", i)
		}
		before, after = before+len(rgb), after+len(encoded)
	}
	ratio := float64(after) / float64(before)
	t.Logf("%d pictures, %d bytes each, %.4f of the raw bytes", len(all), after/len(all), ratio)
	if ratio > 0.55 {
		t.Errorf("%.4f of the raw bytes, want at most 0.55", ratio)
	}
}

// BenchmarkCodecs reports, for each codec on one core: pictures a second and
// bytes a picture. "raw+zstd" is the raw shard's whole-file compression.
func BenchmarkCodecs(b *testing.B) {
	all := samplePictures(b, 60)
	for _, name := range codec.Names() {
		c, err := codec.ByName(name, codec.Options{})
		if err != nil {
			b.Fatal(err)
		}
		encoder, decoder := c.NewEncoder(sampleSize), c.NewDecoder(sampleSize)
		bench(b, name, all, encoder.Encode, decoder.Decode)
	}
	zip, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.EncoderLevelFromZstd(3)))
	if err != nil {
		b.Fatal(err)
	}
	unzip, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1))
	if err != nil {
		b.Fatal(err)
	}
	encode := func(dst, rgb []byte) ([]byte, error) { return zip.EncodeAll(rgb, dst), nil }
	decode := func(rgb, src []byte) error { _, err := unzip.DecodeAll(src, rgb[:0]); return err }
	bench(b, "raw+zstd", all, encode, decode)
}

func bench(b *testing.B, name string, all [][]byte, encode func(dst, rgb []byte) ([]byte, error), decode func(rgb, src []byte) error) {
	b.Run(name+"/encode", func(b *testing.B) {
		var encoded []byte
		var err error
		i := 0
		for b.Loop() {
			if encoded, err = encode(encoded[:0], all[i%len(all)]); err != nil {
				b.Fatal(err)
			}
			i++
		}
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "images/s")
	})
	b.Run(name+"/decode", func(b *testing.B) {
		encoded, total := make([][]byte, len(all)), 0
		for i, rgb := range all {
			var err error
			if encoded[i], err = encode(nil, rgb); err != nil {
				b.Fatal(err)
			}
			total += len(encoded[i])
		}
		rgb := make([]byte, len(all[0]))
		i := 0
		for b.Loop() {
			if err := decode(rgb, encoded[i%len(all)]); err != nil {
				b.Fatal(err)
			}
			i++
		}
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "images/s")
		b.ReportMetric(float64(total)/float64(len(all)), "B/image")
	})
}
