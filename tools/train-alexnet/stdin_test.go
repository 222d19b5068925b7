package main

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"
)

// listOnStdin: a list of names may be in any form that a shell writes; a picture
// in its place is told from it.
func listOnStdin(t *testing.T, w trained) {
	picture := filepath.Join(w.pictures, "class0", "00.png")
	utf16 := "\xff\xfe"
	for _, c := range picture + "\r\n" {
		utf16 += string([]byte{byte(c), byte(c >> 8)})
	}
	for _, c := range []struct {
		name, stdin string
		code        int
		want        string
	}{
		{"a list", picture + "\n", 0, picture},
		{"with a mark", "\ufeff" + picture + "\r\n", 0, picture},
		{"of PowerShell", utf16, 0, picture},
		{"a PNG", read(t, picture), 2, "standard input holds a picture: - reads a list"},
		{"a JPEG", "\xff\xd8\xff\xe0\x00\x10JFIF\x00", 2, "standard input holds a picture"},
		{"a TIFF", "II*\x00\x08\x00\x00\x00", 2, "standard input holds a picture"},
		{"-print0", picture + "\x00" + picture + "\x00", 2, "without -print0"},
	} {
		p := process("predict", "--checkpoint", w.checkpoint, "-")
		var out bytes.Buffer
		p.Stdin, p.Stdout, p.Stderr = strings.NewReader(c.stdin), &out, &out
		err := p.Run()
		if code := p.ProcessState.ExitCode(); code != c.code || !strings.Contains(out.String(), c.want) {
			t.Errorf("%s: code %d, %v, %q; want %d and %q", c.name, code, err, out.String(), c.code, c.want)
		}
	}
	const hint = "that is an address, and only folders of shards are read from one"
	for _, args := range [][]string{
		{"predict", "--checkpoint", w.checkpoint, "https://host/cat.jpg"},
		{"predict", "--checkpoint", "https://host/net.safetensors", picture},
		{"export", "--checkpoint", "s3://bucket/net.safetensors", "--onnx", filepath.Join(w.dir, "x.onnx")},
		{"import", "--safetensors", "https://host/net.safetensors", "--checkpoint", filepath.Join(w.dir, "x.safetensors")},
		{"--config", "https://host/recipe.yaml"},
		{"--train", w.train, "--batch", "6", "--net", "https://host/net.json", "--dry-run"},
		{"--train", w.train, "--batch", "6", "--net", w.net, "--pca", "s3://bucket/pca.json", "--dry-run"},
	} {
		r := call(append([]string{"train-alexnet"}, args...)...)
		if r.code == 0 || !strings.Contains(r.stderr, hint) {
			t.Errorf("%v: code %d, %s", args, r.code, r.stderr)
		}
	}
	names := w.writeFile(t, "names.txt", "\ufeffclass0 the first\nclass1 the second\nclass2 the third\n")
	call("train-alexnet", "predict", "--checkpoint", w.checkpoint, "--names", names, "--top", "3", picture).must(t, 0, "the first", "the second")
}
