package main

import (
	"encoding/binary"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// readVectors reads a .npy of float32 by its format's own rules.
func readVectors(t *testing.T, path, shape string) []float32 {
	t.Helper()
	b := []byte(read(t, path))
	if string(b[:8]) != "\x93NUMPY\x01\x00" {
		t.Fatalf("magic %q", b[:8])
	}
	n := 10 + int(binary.LittleEndian.Uint16(b[8:]))
	if want := "{'descr': '<f4', 'fortran_order': False, 'shape': " + shape + ", }"; n%64 != 0 || b[n-1] != '\n' || strings.TrimSpace(string(b[10:n])) != want {
		t.Fatalf("header %q, want %q", b[10:n], want)
	}
	var v []float32
	for at := n; at < len(b); at += 4 {
		v = append(v, math.Float32frombits(binary.LittleEndian.Uint32(b[at:])))
	}
	return v
}

func featuresOfFilesAndShards(t *testing.T, w trained) {
	files, shards := filepath.Join(w.dir, "files.npy"), filepath.Join(w.dir, "shards.npy")
	text := filepath.Join(w.dir, "text.jpg")
	if err := os.WriteFile(text, []byte("not a picture"), 0o666); err != nil {
		t.Fatal(err)
	}
	flags := []string{"train-alexnet", "features", "--checkpoint", w.checkpoint, "--size", "20", "--layer", "fc3", "--batch", "4", "--out"}
	call(append(flags, files, text, w.pictures)...).must(t, 3, text+": ", "21 vectors of 16 numbers", "1 of 22 pictures")
	call(append(flags, shards, "--data", w.val)...).must(t, 0, "21 vectors of 16 numbers")
	a, b := readVectors(t, files, "(21, 16)"), readVectors(t, shards, "(21, 16)")
	names, stored := strings.Fields(read(t, filepath.Join(w.dir, "files.txt"))), strings.Fields(read(t, filepath.Join(w.dir, "shards.txt")))
	if len(a) != 21*16 || len(b) != len(a) || len(names) != 21 || len(stored) != 21 {
		t.Fatalf("%d and %d numbers, %d and %d names", len(a), len(b), len(names), len(stored))
	}
	positive := 0
	for i, name := range stored { // the shards may have another order
		j := 0
		for j < len(names) && !strings.HasSuffix(names[j], filepath.FromSlash(name)) {
			j++
		}
		if j == len(names) {
			t.Fatalf("%s is not among the files", name)
		}
		for k := range 16 {
			if a[j*16+k] != b[i*16+k] {
				t.Errorf("%s: %g from the file, %g from the shard", name, a[j*16+k], b[i*16+k])
			}
			if b[i*16+k] > 0 {
				positive++
			}
		}
	}
	if positive < 30 {
		t.Errorf("only %d numbers are not 0", positive)
	}
	if left, err := filepath.Glob(filepath.Join(w.dir, "*.tmp")); err != nil || left != nil {
		t.Errorf("left behind: %v", left)
	}
	if python := os.Getenv("PEERS_PYTHON"); python != "" {
		out, err := exec.Command(python, "-c", "import numpy,sys; a=numpy.load(sys.argv[1]); print(a.shape, a.dtype, float(a.sum()) > 0)", files).CombinedOutput()
		if err != nil || string(out) != "(21, 16) float32 True\n" {
			t.Errorf("numpy: %v, %s", err, out)
		}
	}
}

func featuresBadUsage(t *testing.T, w trained) {
	out := filepath.Join(w.dir, "none.npy")
	text := filepath.Join(w.dir, "text.jpg")
	for _, c := range []struct {
		code int
		want string
		args string
	}{
		{2, "--out is required", w.pictures},
		{2, "want a file that ends in .npy", "--out x.txt " + w.pictures},
		{2, "give pictures", "--out " + out},
		{2, "give pictures", "--out " + out + " --data " + w.val + " " + w.pictures},
		{2, "--ten-crop", "--out " + out + " --ten-crop " + w.pictures},
		{2, "give one", "--out " + out + " --checkpoint " + w.checkpoint + " " + w.pictures},
		{1, "no layer with weights is called \"fc7\": there are conv1, conv2, fc3, fc4", "--out " + out + " " + w.pictures},
		{1, "none of the pictures", "--layer fc3 --out " + out + " " + text},
		{2, "missing", "--layer fc3 --out " + filepath.Join(w.dir, "missing", "x.npy") + " " + w.pictures},
	} {
		r := call(append([]string{"train-alexnet", "features", "--checkpoint", w.checkpoint, "--size", "20"}, strings.Fields(c.args)...)...)
		if r.code != c.code || !strings.Contains(r.stderr, c.want) {
			t.Errorf("%s: code %d, %s want %d and %q", c.args, r.code, r.stderr, c.code, c.want)
		}
	}
	list := filepath.Join(w.dir, "list.txt")
	if err := os.WriteFile(list, []byte("mine"), 0o666); err != nil {
		t.Fatal(err)
	}
	call("train-alexnet", "features", "--checkpoint", w.checkpoint, "--size", "20", "--layer", "fc3", "--out", filepath.Join(w.dir, "list.npy"), w.pictures).
		must(t, 1, "list.txt is there, without a list.npy that it belongs to")
	if got := read(t, list); got != "mine" {
		t.Errorf("the list holds %q", got)
	}
	if left, err := filepath.Glob(out + "*"); err != nil || left != nil {
		t.Errorf("left behind: %v", left)
	}
}
