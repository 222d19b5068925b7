package codec_test

import (
	"bytes"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/klauspost/compress/zstd"

	"alexnet/pipeline/codec"
	"alexnet/pipeline/rescale"
)

const sampleSize = 256

// samplePictures are the 300 originals of the data folder as a shard would hold
// them. Tests that need them are skipped without.
var samplePictures = sync.OnceValues(func() ([][]byte, error) {
	root := os.Getenv("ALEXNET_DATA")
	if root == "" {
		root = "../../../shared/data"
	}
	files, err := filepath.Glob(filepath.Join(root, "imagenet-sample", "*.JPEG"))
	if err != nil {
		return nil, err
	}
	rescaler := rescale.New(rescale.Config{Size: sampleSize})
	var pictures [][]byte
	for _, name := range files {
		file, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		rgb := make([]byte, sampleSize*sampleSize*3)
		if err := rescaler.Rescale(rgb, file); err != nil {
			return nil, err
		}
		pictures = append(pictures, rgb)
	}
	return pictures, nil
})

func pictures(t testing.TB) [][]byte {
	t.Helper()
	all, err := samplePictures()
	if err != nil {
		t.Fatal(err)
	}
	if len(all) == 0 {
		t.Skip("no ../shared/data/imagenet-sample beside the repository, and none in $ALEXNET_DATA")
	}
	return all
}

// TestLosslessSample takes all originals there and back, and holds the codec to
// its size: at most 0.55 of the raw bytes.
func TestLosslessSample(t *testing.T) {
	all := pictures(t)
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
	all := pictures(b)
	for _, name := range codec.Names() {
		c, err := codec.ByName(name, 0)
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
		i, total := 0, 0
		for b.Loop() {
			if encoded, err = encode(encoded[:0], all[i%len(all)]); err != nil {
				b.Fatal(err)
			}
			total += len(encoded)
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
