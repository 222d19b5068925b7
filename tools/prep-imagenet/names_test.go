package main

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Names that order a terminal about, or begin a line of their own.
const (
	evilName  = "\x1b]0;owned\a\x1b[2J\nFORGED: all is well\r\u009b31m\u202e"
	evilClass = "class " + evilName
)

// checkPrinted fails where what was printed lets a name act.
func checkPrinted(t *testing.T, what, text string) {
	t.Helper()
	if i := strings.IndexAny(text, "\x1b\a\r\x7f\u009b\u202e"); i >= 0 {
		t.Errorf("%s: a terminal acts on what is printed: %q", what, text[max(0, i-60):min(len(text), i+60)])
	}
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "FORGED") {
			t.Errorf("%s: a name made a line of its own: %q", what, text)
		}
	}
}

// TestEvilNames goes through the commands with names of folders, classes and
// pictures that no terminal should see.
func TestEvilNames(t *testing.T) {
	dir := t.TempDir()
	root, out := filepath.Join(dir, evilName), filepath.Join(dir, "out"+evilName)
	for c := range 2 {
		for i := range 3 {
			var picture bytes.Buffer
			img := image.NewRGBA(image.Rect(0, 0, 40, 40))
			for y := range 40 {
				for x := range 40 {
					img.Set(x, y, color.RGBA{uint8(x * 5), uint8(y * 5), uint8(80*i + c), 255})
				}
			}
			if err := jpeg.Encode(&picture, img, nil); err != nil {
				t.Fatal(err)
			}
			write(t, filepath.Join(root, fmt.Sprint(c)+evilClass, fmt.Sprint(i)+evilName+".jpg"), picture.Bytes())
		}
	}
	write(t, filepath.Join(root, "0"+evilClass, "bad"+evilName+".jpg"), []byte("\xff\xd8\xff\xe0 nothing"))
	shards := func(n int) string { return filepath.Join(out, fmt.Sprint(n)) }
	shard := []string{"shard", "--in", root, "--split", "train", "--size", "32"}
	if err := os.MkdirAll(out, 0o777); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		code int
		args []string
	}{
		{3, append(shard, "--out", shards(0), "--quarantine", filepath.Join(out, "bad"))},
		{0, append(shard, "--out", shards(0))},
		{0, append(shard, "--out", shards(1), "--dry-run")},
		{1, append(shard, "--out", shards(1), "--on-bad", "stop")},
		{1, append(shard, "--out", shards(1), "--in", filepath.Join(root, "none"))},
		{1, append(shard, "--out", filepath.Join(root, "0"+evilClass))},
		{1, append(shard, "--out", shards(1), "--layout", evilName)},
		{3, []string{"stats", root}},
		{0, []string{"inspect", "--sheet", filepath.Join(out, "sheet.png"), shards(0)}},
		{0, []string{"verify", shards(0)}},
		{0, []string{"preview", "--pixels", "32", "--augmented", filepath.Join(out, "preview.png"), shards(0)}},
		{0, []string{"export", "--to", "folders", "--out", filepath.Join(out, "folders"), shards(0)}},
		{0, []string{"export", "--to", "webdataset", "--out", filepath.Join(out, "tars"), shards(0)}},
		{0, []string{"repair", shards(0)}},
		{1, []string{"merge", filepath.Join(out, "all"), shards(0), shards(0)}},
		{1, []string{"inspect", out}},
		{1, []string{"verify", filepath.Join(out, "none")}},
		{1, []string{"verify", "http://127.0.0.1:1/" + evilName}},
		{2, append(shard, "--out", shards(1), "--size", evilName)},
		{2, []string{evilName}},
	} {
		code, stdout, stderr := prep(t, t.Context(), c.args...)
		if code != c.code {
			t.Errorf("%q: code %d, want %d\n%s", c.args, code, c.code, stderr)
		}
		checkPrinted(t, fmt.Sprintf("%.60q", c.args), stdout+stderr)
	}
}
