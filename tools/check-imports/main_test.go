package main

import "testing"

func TestCheck(t *testing.T) {
	for _, c := range []struct {
		pkg, imports string
		want         int
	}{
		{"alexnet/engine", "alexnet/engine/cpu", 1},
		{"alexnet/engine/enginetest", "alexnet/engine/cpu", 1},
		{"alexnet/engine/devices", "alexnet/engine/cpu", 0},
		{"alexnet/engine/cpu", "alexnet/engine/cpu/internal/f32", 0},
		{"alexnet/engine", "alexnet/pipeline", 1},
		{"alexnet/engine/feed", "alexnet/pipeline", 0},
		{"alexnet/engine/infer/serve", "alexnet/tools/internal/command", 1},
		{"alexnet/pipeline", "alexnet/augment", 0},
		{"alexnet/pipeline", "alexnet/internal/file", 0},
		{"alexnet/internal/file", "alexnet/pipeline/mds", 1},
		{"alexnet/pipeline/mds", "github.com/urfave/cli/v2", 1},
		{"alexnet/tools/compute-pca", "github.com/urfave/cli/v2", 0},
		{"alexnet/tools/compute-pca", "github.com/klauspost/compress/zstd", 1},
		{"alexnet/pipeline/codec", "github.com/klauspost/compress/huff0", 0},
	} {
		if got := check(c.pkg, []string{c.imports}); len(got) != c.want {
			t.Errorf("%s importing %s: %d complaints %q, want %d", c.pkg, c.imports, len(got), got, c.want)
		}
	}
}
