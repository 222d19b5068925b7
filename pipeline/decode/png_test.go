package decode

import (
	"archive/tar"
	"compress/gzip"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
	"strings"
	"testing"
)

// TestPNG: files of every type, whole, odd and damaged (testdata/png.py), have
// Pillow's pixels to the bit, or the error that they must have.
func TestPNG(t *testing.T) {
	text, err := os.ReadFile("testdata/png.json")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{}
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open("testdata/png.tgz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	const size = 16
	r, seen := New(Config{Size: size}), 0
	for files := tar.NewReader(z); ; seen++ {
		h, err := files.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		file, err := io.ReadAll(files)
		if err != nil {
			t.Fatal(err)
		}
		got := make([]byte, 3*size*size)
		err = r.Decode(t.Context(), got, file)
		w := want[strings.TrimSuffix(h.Name, ".png")]
		if message, is := strings.CutPrefix(w, "error: "); is {
			if err == nil || !strings.Contains(err.Error(), message) {
				t.Errorf("%s: %v, want …%s…", h.Name, err, message)
			}
			continue
		}
		if sum := md5.Sum(got); err != nil || hex.EncodeToString(sum[:]) != w {
			t.Errorf("%s: %v, or other pixels than Pillow's", h.Name, err)
		}
	}
	if seen != len(want) || seen < 100 {
		t.Errorf("%d files, %d rows", seen, len(want))
	}
}
