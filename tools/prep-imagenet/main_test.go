package main

import (
	"bytes"
	"context"
	"encoding/json"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/image/bmp"

	"alexnet/pipeline"
	"alexnet/pipeline/codec"
	"alexnet/tools/internal/command"
)

// prep runs the command with args and returns its exit code and what it wrote.
func prep(t *testing.T, ctx context.Context, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, text bytes.Buffer
	err := run(ctx, append([]string{"prep-imagenet"}, args...), &out, &text)
	code = command.Report("prep-imagenet", err, &text)
	return code, out.String(), text.String()
}

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o666); err != nil {
		t.Fatal(err)
	}
}

func picture(w, h int) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			m.SetRGBA(x, y, color.RGBA{byte(x * 5), byte(y * 7), byte(x ^ y), 255})
		}
	}
	return m
}

func encoded(t *testing.T, encode func(io.Writer, image.Image) error, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func encodeJPEG(w io.Writer, m image.Image) error { return jpeg.Encode(w, m, nil) }
func encodeGIF(w io.Writer, m image.Image) error  { return gif.Encode(w, m, nil) }

// testdata of package decode, where odd JPEG files lie that Go can't write.
func odd(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "pipeline", "decode", "testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// tree is a folder of pictures that can all be used, though some look odd.
func tree(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	j := encoded(t, encodeJPEG, picture(60, 40))
	for name, data := range map[string][]byte{
		"a/plain.JPEG":      j,
		"a/deep/plain.JPEG": j,
		"a/png.JPEG":        encoded(t, png.Encode, picture(40, 60)),
		"a/1x1.png":         encoded(t, png.Encode, picture(1, 1)),
		"a/1x5000.png":      encoded(t, png.Encode, picture(1, 5000)),
		"b/gif":             encoded(t, encodeGIF, picture(30, 30)),
		"b/bmp.jpg":         encoded(t, bmp.Encode, picture(31, 30)),
		"b/webp.webp":       odd(t, "lossy.webp"),
		"b/tiff.tif":        odd(t, "rgb.tif"),
		"b/cmyk adobe.JPEG": odd(t, "cmyk-adobe.jpg"),
		"b/cmyk bare.JPEG":  odd(t, "cmyk-bare.jpg"),
		"b/ycck.JPEG":       odd(t, "ycck.jpg"),
		"b/ölbild.JPEG":     j,
		"b/.DS_Store":       []byte("junk"),
		"b/.trash/old.JPEG": j,
		"b/Thumbs.db":       []byte("junk"),
		"README.txt":        []byte("about"),
	} {
		write(t, filepath.Join(dir, filepath.FromSlash(name)), data)
	}
	return dir
}

// contents maps the names in dir to their bytes.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		files[e.Name()] = string(data)
	}
	return files
}

func TestShardSameBytesForAnyWorkers(t *testing.T) {
	in := tree(t)
	for _, codec := range codec.Names() {
		var first map[string]string
		for _, workers := range []string{"1", "2", "7"} {
			out := filepath.Join(t.TempDir(), "out")
			code, stdout, stderr := prep(t, t.Context(), "shard", "--in", in, "--out", out, "--codec", codec, "--size", "48",
				"--shard-size", "64KiB", "--workers", workers, "--seed", "3", "--json")
			if code != 0 {
				t.Fatal(code, stderr)
			}
			var result map[string]any
			if err := json.Unmarshal([]byte(stdout), &result); err != nil {
				t.Fatalf("%v in %q", err, stdout)
			}
			if result["images"] != 13.0 || result["classes"] != 2.0 || result["skipped"] != 0.0 {
				t.Errorf("result %v", result)
			}
			files := contents(t, out)
			if first == nil {
				first = files
			}
			if len(files) != len(first) || codec == "raw" && len(files) < 3 {
				t.Errorf("%s, %s workers: %d files", codec, workers, len(files))
			}
			for name := range first {
				if files[name] != first[name] {
					t.Errorf("%s, %s workers: %s differs", codec, workers, name)
				}
			}
			if code, _, stderr := prep(t, t.Context(), "verify", out); code != 0 {
				t.Errorf("verify: %d, %s", code, stderr)
			}
		}
	}
}

func TestShardLeavesBadPicturesOut(t *testing.T) {
	in := tree(t)
	j := encoded(t, encodeJPEG, picture(60, 40))
	write(t, filepath.Join(in, "a", "text.JPEG"), []byte("404 Not Found"))
	write(t, filepath.Join(in, "a", "cut.JPEG"), j[:len(j)-len(j)/3])
	write(t, filepath.Join(in, "a", "zero.JPEG"), nil)
	write(t, filepath.Join(in, "a", "huge.png"), encoded(t, png.Encode, image.NewGray(image.Rect(0, 0, 2000, 1000))))
	if err := os.Symlink("nowhere", filepath.Join(in, "b", "dangling.JPEG")); err != nil {
		t.Skip("no symbolic links here:", err)
	}
	out := filepath.Join(t.TempDir(), "out")
	code, stdout, stderr := prep(t, t.Context(), "shard", "--in", in, "--out", out, "--split", "val", "--size", "32",
		"--max-megapixels", "1", "--json")
	if code != command.Skipped {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	if !strings.Contains(stdout, `"found":18,"skipped":5`) || !strings.Contains(stderr, "5 of 18 pictures left out, listed in "+filepath.Join(out, "report.jsonl")) {
		t.Errorf("%s%s", stdout, stderr)
	}
	report := strings.Split(strings.TrimSpace(contents(t, out)["report.jsonl"]), "\n")
	for i, want := range []string{
		`{"name":"a/cut.JPEG","reason":"a JPEG of 60×40 pixels is cut short`,
		`{"name":"a/huge.png","reason":"a PNG of 2000×1000 pixels is over the limit of 1 megapixels: shrink it`,
		`{"name":"a/text.JPEG","reason":"holds text, not a picture: it begins with \"404 Not Found\"`,
		`{"name":"a/zero.JPEG","reason":"the file is empty (0 bytes): fetch it again, or remove it","class":"a"}`,
		`{"name":"b/dangling.JPEG","reason":"can't be opened: ` + filepath.Join(in, "b", "dangling.JPEG") + ` is a link to nowhere, which isn't there`,
	} {
		if i >= len(report) || !strings.HasPrefix(report[i], want) {
			t.Errorf("report line %d is\n%v, want\n%s…", i, report, want)
		}
	}
	if code, _, stderr := prep(t, t.Context(), "verify", out); code != 0 {
		t.Errorf("verify: %s", stderr)
	}

	code, _, stderr = prep(t, t.Context(), "shard", "--in", in, "--out", out+"2", "--split", "val", "--size", "32", "--on-bad", "stop")
	if code != command.Failed || !strings.Contains(stderr, "a/cut.JPEG: a JPEG of 60×40 pixels is cut short") {
		t.Errorf("--on-bad stop: %d, %s", code, stderr)
	}
	if _, err := os.Stat(out + "2"); err == nil {
		t.Error("--on-bad stop leaves its folder")
	}
}

func TestShardRefuses(t *testing.T) {
	good := tree(t)
	full := t.TempDir()
	write(t, filepath.Join(full, "thesis.tex"), []byte("mine"))
	bare := t.TempDir()
	write(t, filepath.Join(bare, "a", "1.JPEG"), encoded(t, encodeJPEG, picture(9, 9)))
	if err := os.Mkdir(filepath.Join(bare, "hollow"), 0o777); err != nil {
		t.Fatal(err)
	}
	text := t.TempDir()
	write(t, filepath.Join(text, "a", "1.JPEG"), []byte("text"))
	out := func() string { return filepath.Join(t.TempDir(), "out") }
	cases := []struct {
		name string
		args []string
		code int
		want string
	}{
		{"missing folder", []string{"--in", good + "/nope", "--out", out()}, 1, "nope"},
		{"empty folder", []string{"--in", t.TempDir(), "--out", out()}, 1, "empty"},
		{"class with no picture", []string{"--in", bare, "--out", out()}, 1, "hollow"},
		{"nothing usable", []string{"--in", text, "--out", out()}, 1, "the only picture, a/1.JPEG, can't be used: holds text"},
		{"full --out", []string{"--in", good, "--out", full}, 1, "already holds thesis.tex: choose a new folder with --out"},
		{"no --in", []string{"--out", out()}, 2, "shard needs --in SRC and --out DIR"},
		{"no such flag", []string{"--in", good, "--out", out(), "--frobnicate"}, 2, "frobnicate"},
		{"split", []string{"--in", good, "--out", out(), "--split", "test"}, 2, `split "test": choose train or val`},
		{"codec", []string{"--in", good, "--out", out(), "--codec", "gif"}, 2, `unknown codec "gif"`},
		{"on-bad", []string{"--in", good, "--out", out(), "--on-bad", "weep"}, 2, `--on-bad "weep": choose skip or stop`},
		{"shard size", []string{"--in", good, "--out", out(), "--shard-size", "big"}, 2, `--shard-size: "big" isn't a size`},
		{"stray word", []string{"--in", good, "--out", out(), "stray"}, 2, "stray"},
	}
	for _, c := range cases {
		code, stdout, stderr := prep(t, t.Context(), append([]string{"shard"}, c.args...)...)
		if code != c.code || !strings.Contains(stderr, c.want) {
			t.Errorf("%s: exit code %d, want %d; got %s, want …%s…", c.name, code, c.code, stderr, c.want)
		}
		if stdout != "" {
			t.Errorf("%s: stdout %q", c.name, stdout)
		}
	}
	if got := contents(t, full); len(got) != 1 || got["thesis.tex"] != "mine" {
		t.Errorf("the full folder now holds %v", got)
	}
}

func TestInterruptedShardLeavesNothing(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	out := filepath.Join(t.TempDir(), "out")
	code, _, stderr := prep(t, ctx, "shard", "--in", tree(t), "--out", out)
	if code != command.Interrupted || !strings.Contains(stderr, "interrupted") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	if _, err := os.Stat(out); err == nil {
		t.Error("the folder is still there")
	}
}

// TestFullDisk runs the command in a process that may write no more than 64 KiB
// to a file, which the system reports as it does a full disk.
func TestFullDisk(t *testing.T) {
	if in := os.Getenv("PREP_TEST_FULL_DISK"); in != "" {
		code, _, stderr := prep(t, t.Context(), "shard", "--in", in, "--out", filepath.Join(in, "..", "out"), "--codec", "raw")
		os.Stderr.WriteString(stderr)
		os.Exit(code)
	}
	shell, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("no bash to set a limit with")
	}
	in := filepath.Join(t.TempDir(), "in")
	for _, name := range []string{"1", "2", "3"} {
		write(t, filepath.Join(in, "a", name), encoded(t, encodeJPEG, picture(60, 40)))
	}
	c := exec.Command(shell, "-c", `ulimit -f 64; trap "" XFSZ; exec "$0" -test.run '^TestFullDisk$'`, os.Args[0])
	c.Env = append(os.Environ(), "PREP_TEST_FULL_DISK="+in)
	text, err := c.CombinedOutput()
	if c.ProcessState.ExitCode() != 1 || !strings.Contains(string(text), "shard.00000.mds") ||
		!strings.Contains(string(text), "the disk is full or a limit is reached; make room") {
		t.Errorf("%v: %s", err, text)
	}
	if _, err := os.Stat(filepath.Join(in, "..", "out")); err == nil {
		t.Error("the folder is still there")
	}
}

func TestSampleShardVerifyInspect(t *testing.T) {
	dir := t.TempDir()
	set, shards, sheet := filepath.Join(dir, "set"), filepath.Join(dir, "shards"), filepath.Join(dir, "sheet.png")
	steps := []struct {
		args         []string
		stdout, want string
	}{
		{[]string{"sample", "--out", set, "--classes", "3", "--per-class", "4", "--json"}, `"images":15,"classes":3,"per_class":4,"val_per_class":1`, "15 images of 3 classes"},
		{[]string{"shard", "--in", set + "/train", "--out", shards, "--codec", "jpeg", "--limit", "10"}, "", "10 images of 3 classes in 1 shard"},
		{[]string{"verify", "--json", shards}, `"ok":true,"shards":1,"images":10,"per_class":[4,3,3]`, "10 images in 1 shard are whole"},
		{[]string{"inspect", "--sheet", sheet, "--per-class", "2", shards}, "jpeg, quality 90", ""},
		{[]string{"inspect", "--json", shards}, `"per_class":[4,3,3]`, ""},
	}
	for _, s := range steps {
		code, stdout, stderr := prep(t, t.Context(), s.args...)
		if code != 0 || !strings.Contains(stdout, s.stdout) || !strings.Contains(stderr, s.want) {
			t.Fatalf("%v: exit code %d\n%s\n%s", s.args, code, stdout, stderr)
		}
	}
	f, err := os.Open(sheet)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if m, err := png.Decode(f); err != nil || m.Bounds() != image.Rect(0, 0, 160+2*100+4, 3*100+4) {
		t.Errorf("sheet: %v", err)
	}

	// The same from a web server.
	server := httptest.NewServer(http.FileServer(http.Dir(shards)))
	defer server.Close()
	for _, s := range [][2]string{{"verify", `"ok":true,"shards":1,"images":10,"per_class":[4,3,3]`}, {"inspect", `"per_class":[4,3,3]`}} {
		code, stdout, stderr := prep(t, t.Context(), s[0], "--json", "--cache-dir", dir, server.URL)
		if code != 0 || !strings.Contains(stdout, s[1]) {
			t.Errorf("%s of a server: exit code %d\n%s\n%s", s[0], code, stdout, stderr)
		}
	}

	// A flipped bit.
	shard := filepath.Join(shards, "shard.00000.mds")
	data, err := os.ReadFile(shard)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)/2] ^= 4
	write(t, shard, data)
	code, stdout, stderr := prep(t, t.Context(), "verify", "--json", shards)
	if code != 1 || !strings.Contains(stdout, `"ok":false`) || !strings.Contains(stderr, "shard.00000.mds: offset 0: damaged: sha1") {
		t.Errorf("flipped bit: exit code %d\n%s\n%s", code, stdout, stderr)
	}
	// A missing shard, and no shards at all.
	if err := os.Remove(shard); err != nil {
		t.Fatal(err)
	}
	for _, sub := range []string{"verify", "inspect"} {
		if code, _, stderr := prep(t, t.Context(), sub, shards); code != 1 || !strings.Contains(stderr, "shard.00000.mds") {
			t.Errorf("%s with a missing shard: exit code %d, %s", sub, code, stderr)
		}
		if code, _, stderr := prep(t, t.Context(), sub, set); code != 1 || !strings.Contains(stderr, "has no index.json") {
			t.Errorf("%s of pictures: exit code %d, %s", sub, code, stderr)
		}
		if code, _, stderr := prep(t, t.Context(), sub); code != 2 || !strings.Contains(stderr, "takes one folder of shards") {
			t.Errorf("%s of nothing: exit code %d, %s", sub, code, stderr)
		}
	}
}

func TestSampleRefuses(t *testing.T) {
	full := t.TempDir()
	write(t, filepath.Join(full, "mine"), nil)
	if code, _, stderr := prep(t, t.Context(), "sample", "--out", full); code != 1 || !strings.Contains(stderr, "already holds mine") {
		t.Errorf("full folder: %d, %s", code, stderr)
	}
	if code, _, stderr := prep(t, t.Context(), "sample"); code != 2 || !strings.Contains(stderr, "sample needs --out DIR") {
		t.Errorf("no folder: %d, %s", code, stderr)
	}
	if code, _, stderr := prep(t, t.Context(), "sample", "--out", "x", "--classes", "11"); code != 2 || !strings.Contains(stderr, "11 classes: choose 2 to 10") {
		t.Errorf("too many classes: %d, %s", code, stderr)
	}
}

func TestHelpNamesEveryCommand(t *testing.T) {
	code, stdout, _ := prep(t, t.Context(), "--help")
	for _, want := range []string{"shard", "sample", "verify", "inspect", "130 interrupted", "prep-imagenet sample --out practice"} {
		if code != 0 || !strings.Contains(stdout, want) {
			t.Errorf("exit code %d, no %q in\n%s", code, want, stdout)
		}
	}
}

// TestImagenette shards a few real photographs where they are at hand.
func TestImagenette(t *testing.T) {
	data := os.Getenv("ALEXNET_DATA")
	if data == "" {
		data = filepath.Join("..", "..", "..", "shared", "data")
	}
	in := filepath.Join(data, "imagenette-160", "val")
	if _, err := os.Stat(in); err != nil {
		t.Skip("no photographs: ALEXNET_DATA or ../shared/data needs imagenette-160:", err)
	}
	out := filepath.Join(t.TempDir(), "out")
	if code, _, stderr := prep(t, t.Context(), "shard", "--in", in, "--out", out, "--split", "val", "--limit", "60", "--codec", "raw"); code != 0 || !strings.Contains(stderr, "note: enlarged: 60 of 60 pictures, with fewer than 256 pixels on the short side; a smaller --size avoids it\n") {
		t.Fatal(stderr)
	}
	for _, dry := range []string{"--dry-run=false", "--dry-run"} {
		small := filepath.Join(t.TempDir(), "small")
		if code, stdout, stderr := prep(t, t.Context(), "shard", "--in", in, "--out", small, "--split", "val", "--limit", "20", "--size", "64", "--json", dry); code != 0 || !strings.Contains(stdout, `"enlarged":0`) || strings.Contains(stderr, "enlarged") {
			t.Error(stdout, stderr)
		}
	}
	if code, _, stderr := prep(t, t.Context(), "shard", "--in", in, "--out", out, "--append", "--limit", "70", "--dry-run"); code != 0 || !strings.Contains(stderr, "fewer than 256 pixels on the short side") {
		t.Error(stderr)
	}
	d, err := pipeline.OpenDataset(out)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	mean := d.Meta().Statistics.Mean()
	if d.Len() != 60 || d.Meta().Classes[0].ID != "n01440764" {
		t.Errorf("%d images, classes %v", d.Len(), d.Meta().Classes)
	}
	for k, want := range [3]float64{118, 116, 110} { // photographs are about mid-grey, blue a little darker
		if mean[k] < want-25 || mean[k] > want+25 {
			t.Errorf("mean colour %v", mean)
		}
	}
}
