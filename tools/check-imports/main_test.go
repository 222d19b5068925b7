package main

import "testing"

func TestCheck(t *testing.T) {
	for _, c := range []struct {
		pkg, imports string
		want         int
	}{
		{"./engine", "./engine/cpu", 1},
		{"./engine/enginetest", "./engine/cpu", 1},
		{"./engine/devices", "./engine/cpu", 0},
		{"./engine/cpu", "./engine/cpu/internal/f32", 0},
		{"./engine", "./pipeline", 1},
		{"./engine/feed", "./pipeline", 0},
		{"./engine/infer/serve", "./tools/internal/command", 1},
		{"./pipeline", "./augment", 0},
		{"./pipeline", "./internal/file", 0},
		{"./internal/file", "./pipeline/mds", 1},
		{"./pipeline/mds", "github.com/urfave/cli/v2", 1},
		{"./tools/compute-pca", "github.com/urfave/cli/v2", 0},
		{"./tools/compute-pca", "github.com/klauspost/compress/zstd", 1},
		{"./pipeline/codec", "github.com/klauspost/compress/huff0", 0},
	} {
		if got := check(c.pkg, []string{c.imports}); len(got) != c.want {
			t.Errorf("%s importing %s: %d complaints %q, want %d", c.pkg, c.imports, len(got), got, c.want)
		}
	}
}

func TestLocal(t *testing.T) {
	for path, want := range map[string]string{"example.org/net": ".", "example.org/net/engine": "./engine", "example.org/network": "example.org/network", "fmt": "fmt"} {
		if got := local(path, "example.org/net"); got != want {
			t.Errorf("%s is %s, want %s", path, got, want)
		}
	}
}
