package main

import (
	"bytes"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"alexnet/tools/internal/command"
)

// TestShardTellsWhatIsLost: what is passed over is counted, and a class of which
// every picture is bad is named, with exit code 3.
func TestShardTellsWhatIsLost(t *testing.T) {
	in, out := t.TempDir(), filepath.Join(t.TempDir(), "out")
	var picture bytes.Buffer
	if err := png.Encode(&picture, image.NewGray(image.Rect(0, 0, 8, 8))); err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string]string{
		"good/1.png": picture.String(), "good/._1.png": "shadow", "b\x1b[2Jad/1.png": "text", "b\x1b[2Jad/2.png": "", "stray.png": "",
	} {
		p := filepath.Join(in, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o777); err != nil {
			t.Skip("no such names here: ", err)
		}
		if err := os.WriteFile(p, []byte(data), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	code, stdout, stderr := prep(t, t.Context(), "shard", "--in", in, "--out", out, "--size", "8", "--json")
	if code != command.Skipped {
		t.Errorf("exit code %d", code)
	}
	for _, want := range []string{
		"note: passed over what is hidden or left by an operating system: 1 in all, such as good/._1.png\n",
		"note: passed over pictures that lie beside the class folders, of no class: 1 in all, such as stray.png\n",
		`no picture is left of 1 of 2 classes: "b\x1b[2Jad"`,
		"2 of 3 pictures left out, listed in ",
	} {
		if !strings.Contains(stderr, want) {
			t.Errorf("%s\ndoesn't say %s", stderr, want)
		}
	}
	if strings.Contains(stderr, "\x1b[2J") {
		t.Errorf("raw bytes of a name: %q", stderr)
	}
	if !strings.Contains(stdout, `"lost_classes":["b\u001b[2Jad"]`) {
		t.Errorf("%s", stdout)
	}
}

// TestShardSpool: a folder for unpacked archives that isn't there is named with its
// flag.
func TestShardSpool(t *testing.T) {
	in := filepath.Join(t.TempDir(), "x.tgz")
	if err := os.WriteFile(in, []byte("\x1f\x8b\x08\x00text"), 0o666); err != nil {
		t.Fatal(err)
	}
	code, _, stderr := prep(t, t.Context(), "shard", "--in", in, "--layout", "folders", "--out", filepath.Join(t.TempDir(), "out"), "--spool", filepath.Join(t.TempDir(), "none"))
	if code != command.Failed || !strings.Contains(stderr, "none: no such file or directory: choose another folder (--spool DIR)") {
		t.Errorf("%d, %s", code, stderr)
	}
}
