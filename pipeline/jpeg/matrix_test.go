package jpeg

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"errors"
	"image"
	"io"
	"os"
	"strings"
	"testing"

	"alexnet/pipeline/jpeg/turbojpeg"
)

// matrix returns the files of testdata/matrix.py by name, and what becomes of them.
func matrix(t testing.TB) (files map[string][]byte, want map[string]outcome) {
	t.Helper()
	table, err := os.ReadFile("testdata/matrix.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(table, &want); err != nil {
		t.Fatal(err)
	}
	files = unpack(t, "testdata/matrix.tgz", ".jpg")
	if len(files) != len(want) || len(files) < 250 {
		t.Fatalf("%d files, %d rows", len(files), len(want))
	}
	return files, want
}

// unpack returns the files of an archive by name, without the suffix.
func unpack(t testing.TB, archive, suffix string) map[string][]byte {
	t.Helper()
	f, err := os.Open(archive)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if err == io.EOF {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		files[strings.TrimSuffix(h.Name, suffix)] = data
	}
}

// outcome is Pillow's result for a file, or the kind of its error.
type outcome struct {
	Width, Height int
	MD5           string
	Error         string
}

// decoders are those with libjpeg-turbo, where it is present, and without.
func decoders() map[string]*Decoder {
	all := map[string]*Decoder{"go": NewDecoder(false)}
	if turbojpeg.Available() == nil {
		all["turbo"] = NewDecoder(true)
	}
	return all
}

// decodeAll returns a whole picture.
func decodeAll(d *Decoder, file []byte) (pixels []byte, bounds image.Rectangle, err error) {
	p, err := d.Decode(context.Background(), file, func(h Header) (image.Rectangle, error) {
		bounds = image.Rect(0, 0, h.Width, h.Height)
		return bounds, nil
	})
	if err != nil {
		return nil, bounds, err
	}
	pixels = make([]byte, 3*bounds.Dx()*bounds.Dy())
	p.RGB(pixels, bounds)
	return pixels, bounds, nil
}

// TestMatrix: every kind of file has Pillow's pixels, to the bit, with libjpeg-turbo
// and without, and a damaged one is named for what it is.
func TestMatrix(t *testing.T) {
	files, want := matrix(t)
	kinds := map[Kind]string{Cut: "cut", Damaged: "damaged", Unsupported: "unsupported"}
	for decoder, d := range decoders() {
		for name, w := range want {
			pixels, bounds, err := decodeAll(d, files[name])
			if strings.HasPrefix(name, "arithmetic") && decoder == "go" {
				w.Error = "unsupported" // only libjpeg-turbo decodes it
			}
			if w.Error != "" {
				e, ok := errors.AsType[*Error](err)
				if !ok || !strings.Contains(w.Error, kinds[e.Kind]) {
					t.Errorf("%s by %s: %v, want it to be %s", name, decoder, err, w.Error)
				}
				continue
			}
			if err != nil {
				t.Errorf("%s by %s: %v", name, decoder, err)
				continue
			}
			sum := md5.Sum(pixels)
			if bounds.Dx() != w.Width || bounds.Dy() != w.Height || hex.EncodeToString(sum[:]) != w.MD5 {
				t.Errorf("%s by %s: other pixels than Pillow's, or another size than %d×%d: %v", name, decoder, w.Width, w.Height, bounds)
			}
		}
	}
}

// TestDeep: files of 12 bits have the pixels of libjpeg-turbo 3, but that samples are
// cut to eight bits before they become colours here, and behind that there; and
// lossless ones have them where that library is present (testdata/deep.py).
func TestDeep(t *testing.T) {
	files := unpack(t, "testdata/deep.tgz", "")
	for decoder, d := range decoders() {
		seen := 0
		for name, want := range files {
			name, is := strings.CutSuffix(name, ".rgb")
			if !is {
				continue
			}
			got, _, err := decodeAll(d, files[name+".jpg"])
			if name == "lossless" && isError(err, Unsupported) && strings.Contains(err.Error(), "lossless") {
				continue // there are older libraries
			}
			if err != nil {
				t.Errorf("%s by %s: %v", name, decoder, err)
				continue
			}
			worst, sum := 0, 0
			for i, v := range got {
				diff := max(int(v)-int(want[i]), int(want[i])-int(v))
				worst, sum = max(worst, diff), sum+diff
			}
			most := 3 // a level of Y, and 1.77 of a level of Cb in blue
			if name == "12-grey" || name == "lossless" {
				most = 0
			}
			if worst > most {
				t.Errorf("%s by %s: worst %d, at most %d; mean %.2f", name, decoder, worst, most, float64(sum)/float64(len(got)))
			}
			seen++
		}
		if seen < 7 {
			t.Errorf("%s: %d pictures, want 7 or more", decoder, seen)
		}
	}
}
