// Package golden compares decoders with pixels that other people's decoders gave.
// Goldens are written by golden.py beside it: NAME.tar.gz holds the files, and in
// goldens.json their pixels.
package golden

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/hex"
	"encoding/json"
	"errors"
	"image"
	"image/color"
	"io"
	"os"
	"testing"
)

// Files returns the files of a golden, such as "testdata/gif".
func Files(t testing.TB, name string) map[string][]byte {
	t.Helper()
	files := unpack(t, name)
	delete(files, pixels)
	return files
}

// pixels is the entry with the expected pixels of the files.
const pixels = "goldens.json"

func unpack(t testing.TB, name string) map[string][]byte {
	t.Helper()
	packed, err := os.ReadFile(name + ".tar.gz")
	if err != nil {
		t.Fatal(err)
	}
	unzipped, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for archive := tar.NewReader(unzipped); ; {
		entry, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		if files[entry.Name], err = io.ReadAll(archive); err != nil {
			t.Fatal(err)
		}
	}
}

// Check compares what config and decode make of each file of a golden with its
// size and pixels. There have to be at least so many files.
func Check(t *testing.T, name string, least int, config func(file []byte) (image.Config, error), decode func(file []byte) (image.Image, error)) {
	t.Helper()
	files := unpack(t, name)
	var want struct {
		Pixels []string
		Files  map[string]struct{ Width, Height, Pixels, Tolerance int }
	}
	if err := json.Unmarshal(files[pixels], &want); err != nil {
		t.Fatal(err)
	}
	delete(files, pixels)
	if len(files) != len(want.Files) || len(files) < least {
		t.Errorf("%d files, %d goldens, want at least %d", len(files), len(want.Files), least)
	}
	for name, file := range files {
		golden, ok := want.Files[name]
		if !ok {
			t.Errorf("%s has no golden", name)
			continue
		}
		pixels, err := hex.DecodeString(want.Pixels[golden.Pixels])
		if err != nil {
			t.Fatal(err)
		}
		c, err := config(file)
		if err != nil || c.Width != golden.Width || c.Height != golden.Height {
			t.Errorf("%s: %d×%d, %v, want %d×%d", name, c.Width, c.Height, err, golden.Width, golden.Height)
			continue
		}
		img, err := decode(file)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got := RGB(img)
		if len(got) != len(pixels) {
			t.Errorf("%s: %d bytes of pixels, want %d", name, len(got), len(pixels))
			continue
		}
		worst := 0
		for i, v := range got {
			worst = max(worst, int(v)-int(pixels[i]), int(pixels[i])-int(v))
		}
		if worst > golden.Tolerance {
			t.Errorf("%s: worst difference %d, want at most %d", name, worst, golden.Tolerance)
		}
	}
}

// RGB returns the pixels of a picture without alpha.
func RGB(img image.Image) []byte {
	var pix []byte
	b := img.Bounds()
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			c := color.NRGBAModel.Convert(img.At(x, y)).(color.NRGBA)
			pix = append(pix, c.R, c.G, c.B)
		}
	}
	return pix
}
