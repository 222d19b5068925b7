package mds_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"alexnet/pipeline/codec"
	"alexnet/pipeline/mds"
)

// TestMosaicReader has MosaicML Streaming's reader read our shards. It needs a
// Python with tools/bench/peers/requirements.txt, named by $PEERS_PYTHON.
func TestMosaicReader(t *testing.T) {
	python := os.Getenv("PEERS_PYTHON")
	if python == "" {
		t.Skip("PEERS_PYTHON names no Python that has tools/bench/peers/requirements.txt")
	}
	script, err := filepath.Abs("../../tools/bench/peers/mosaic_read.py")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		codec, compression string
	}{
		{"raw", ""}, {"raw", "zstd:3"}, {"jpeg", ""}, {"lossless", ""},
	} {
		t.Run(test.codec+test.compression, func(t *testing.T) {
			t.Parallel()
			const samples = 20
			c, err := codec.ByName(test.codec, codec.Options{})
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			writePictures(t, dir, c, samples, mds.WriterConfig{
				SizeLimit: 1 << 13, Compression: test.compression, Hashes: []string{"sha1", "xxh64"},
			})
			ours := decodePictures(t, dir, c)

			dump := filepath.Join(t.TempDir(), "pixels")
			cmd := exec.Command(python, script, dir, "--hash", "xxh64", "--pixels", dump)
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			out, err := cmd.Output()
			if err != nil {
				t.Fatalf("%v\n%s", err, stderr.String())
			}
			var got struct {
				Reader, Pixels, Labels, Names string
				Samples                       int
			}
			if err := json.Unmarshal(out, &got); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			t.Log(got.Reader)
			var labels, names []byte
			for i := range samples {
				labels = mds.AppendInt(labels, int64(i%3))
				names = append(names, pictureName(i)+"\n"...)
			}
			if got.Samples != samples {
				t.Errorf("%d samples, want %d", got.Samples, samples)
			}
			if want := hex256(labels); got.Labels != want {
				t.Errorf("labels %s, want %s", got.Labels, want)
			}
			if want := hex256(names); got.Names != want {
				t.Errorf("names %s, want %s", got.Names, want)
			}
			theirs, err := os.ReadFile(dump)
			if err != nil {
				t.Fatal(err)
			}
			if test.codec == "jpeg" {
				checkNear(t, ours, theirs)
			} else if want := hex256(ours); got.Pixels != want {
				t.Errorf("pixels %s, want %s", got.Pixels, want)
			}
		})
	}
}

// checkNear compares two decodings of JPEG files, or one with the pictures that
// went in. JPEG's rounding, colour at half resolution, and libjpeg's smoothing of
// it, which image/jpeg doesn't do, are worth a few levels on these slopes.
func checkNear(t *testing.T, ours, theirs []byte) {
	t.Helper()
	if len(ours) != len(theirs) {
		t.Fatalf("%d bytes of pixels, want %d", len(theirs), len(ours))
	}
	total, most := 0, 0
	for i := range ours {
		d := int(ours[i]) - int(theirs[i])
		d = max(d, -d)
		total, most = total+d, max(most, d)
	}
	mean := float64(total) / float64(len(ours))
	t.Logf("JPEG pixels differ by %.2f levels on average, %d at most", mean, most)
	if mean > 2 {
		t.Errorf("JPEG pixels differ by %.2f levels on average", mean)
	}
}

func hex256(data []byte) string { return fmt.Sprintf("%x", sha256.Sum256(data)) }
