package codec_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"alexnet/pipeline/codec"
)

// TestPythonDecoder has the decoder of tools/python, written from the format page
// and not from this package, decode what the encoder writes: every kind of block
// and predictor, both forms of Huffman tables, several blocks a plane, and some
// photographs where there are any. It needs a python3 with numpy.
func TestPythonDecoder(t *testing.T) {
	pythons := []string{"python3", "/usr/bin/python3"}
	found := slices.IndexFunc(pythons, func(p string) bool { return exec.Command(p, "-c", "import numpy").Run() == nil })
	if found < 0 {
		t.Skip("no python3 with numpy here")
	}
	dir := t.TempDir()
	args := []string{"../../tools/python/alexnet_loader/lossless.py"}
	var want []byte
	add := func(size int, rgb []byte) {
		encoded, err := codec.Lossless{}.NewEncoder(size).Encode(nil, rgb)
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Join(dir, fmt.Sprint(len(args)))
		if err := os.WriteFile(name, encoded, 0o666); err != nil {
			t.Fatal(err)
		}
		args = append(args, name)
		want = append(want, rgb...)
	}
	random := rand.New(rand.NewPCG(5, 6))
	for _, spread := range []int{1, 2, 3, 6, 20, 60, 256} { // from constant to noise
		for _, size := range []int{1, 7, 33} {
			rgb := make([]byte, size*size*3)
			for i := range rgb {
				rgb[i] = byte(2*i/size) + byte(random.IntN(spread)*random.IntN(spread)/spread)
			}
			add(size, rgb)
		}
	}
	large := make([]byte, 260*260*3) // two blocks a plane
	for i := range large {
		large[i] = byte(i/1000) + byte(random.IntN(3))
	}
	add(260, large)
	for i, file := range sampleFiles() {
		if i%100 == 0 {
			add(sampleSize, samplePicture(t, file))
		}
	}

	cmd := exec.Command(pythons[found], args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	got, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr.String())
	}
	if !bytes.Equal(got, want) {
		at := 0
		for at < min(len(got), len(want)) && got[at] == want[at] {
			at++
		}
		t.Errorf("%d bytes of pixels, want %d; they differ from byte %d on", len(got), len(want), at)
	}
}
