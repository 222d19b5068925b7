package infer_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"alexnet/engine/infer"
)

// someFiles are a missing picture, dots.jpg twice and one that is no picture.
func someFiles(t *testing.T, e *infer.Ensemble, bad *[]infer.BadPicture) infer.Files {
	t.Helper()
	r, err := infer.NewReader(e.Size(), 0, 2)
	if err != nil {
		t.Fatal(err)
	}
	return infer.Files{
		Names:  []string{"testdata/none.jpg", "testdata/dots.jpg", "testdata/make.sh", "testdata/dots.jpg"},
		Reader: r,
		Bad:    func(b infer.BadPicture) { *bad = append(*bad, b) },
	}
}

// TestClassifyFiles: what is said of files is what Classify says of each; those that
// can't be read are told with the reason, and use ends the work.
func TestClassifyFiles(t *testing.T) {
	e, err := infer.Open(infer.Config{Checkpoints: []string{checkpoint}, Batch: 3})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	var told []infer.BadPicture
	var got []infer.Prediction
	var done []int
	files := someFiles(t, e, &told)
	files.Progress = func(n int) { done = append(done, n) }
	sheet := e.NewSheet()
	bad, err := e.ClassifyFiles(t.Context(), files, func(s infer.Seen) error {
		got = append(got, s.Prediction(2))
		sheet.Cells = append(sheet.Cells, s.Cell())
		return nil
	})
	if err != nil || bad != 2 || len(told) != 2 || len(got) != 2 || fmt.Sprint(done) != "[3 4]" {
		t.Fatalf("%d bad, %v; %v; progress %v; error %v", bad, told, got, done, err)
	}
	want, err := e.Classify(t.Context(), "testdata/dots.jpg", 2)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range got {
		if p.File != "testdata/dots.jpg" || fmt.Sprint(p.Guesses) != fmt.Sprint(want) {
			t.Errorf("got %v, Classify says %v", p, want)
		}
	}
	if text, err := json.Marshal(told[0]); err != nil || !strings.HasPrefix(string(text), `{"file":"testdata/none.jpg","error":"open testdata/none.jpg: `) {
		t.Errorf("bad picture in JSON: %s, error %v", text, err)
	}
	var text bytes.Buffer
	if err := got[0].Print(&text); err != nil || !strings.HasPrefix(text.String(), "testdata/dots.jpg\n   93.") || !strings.HasSuffix(text.String(), " %  crosses\n") {
		t.Errorf("printed %q, error %v", text.String(), err)
	}

	// The cells are pictures of the sheet's size: 24×24 crops, side by side.
	path := filepath.Join(t.TempDir(), "sheet.png")
	if err := sheet.Write(path); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if img, err := png.DecodeConfig(f); err != nil || img.Width != 2*208+16 {
		t.Errorf("sheet %+v, error %v", img, err)
	}

	stop := errors.New("enough")
	if _, err := e.ClassifyFiles(t.Context(), files, func(infer.Seen) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("error %v, want that of use", err)
	}
}

// TestFileVectors: a row for each picture that can be read; none at all is an error.
func TestFileVectors(t *testing.T) {
	e, err := infer.Open(infer.Config{Checkpoints: []string{checkpoint}, Batch: 3, Layer: "fc3"})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	path := filepath.Join(t.TempDir(), "fc3.npy")
	v, err := infer.NewVectorFile(path)
	if err != nil {
		t.Fatal(err)
	}
	defer v.Abandon()
	var told []infer.BadPicture
	files := someFiles(t, e, &told)
	bad, err := e.FileVectors(t.Context(), files, v)
	if err != nil || bad != 2 || len(told) != 2 || v.Rows != 2 || v.Width == 0 {
		t.Fatalf("%d bad, %d rows of %d, error %v", bad, v.Rows, v.Width, err)
	}
	if err := v.Commit(); err != nil {
		t.Fatal(err)
	}
	rows, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	rows = rows[len(rows)-8*v.Width:]
	if first, second := rows[:4*v.Width], rows[4*v.Width:]; !bytes.Equal(first, second) || bytes.Count(first, []byte{0}) == len(first) {
		t.Error("one picture has two vectors, or none")
	}
	files.Names = files.Names[:1]
	if _, err := e.FileVectors(t.Context(), files, v); err == nil || !strings.Contains(err.Error(), "none of the pictures") {
		t.Errorf("error %v", err)
	}
}
