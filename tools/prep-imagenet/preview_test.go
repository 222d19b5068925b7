package main

import (
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"alexnet/pipeline"
	"alexnet/pipeline/source"
)

// TestPreview draws a practice picture's eight presentations.
func TestPreview(t *testing.T) {
	dir := t.TempDir()
	in, shards, out := filepath.Join(dir, "in"), filepath.Join(dir, "shards"), filepath.Join(dir, "out.png")
	if err := run(t.Context(), []string{"prep-imagenet", "sample", "--out", in, "--classes", "2", "--per-class", "2"}, os.Stdout, os.Stderr); err != nil {
		t.Fatal(err)
	}
	src, err := source.Open(t.Context(), filepath.Join(in, "train"), source.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	if _, err := pipeline.Shard(t.Context(), pipeline.ShardConfig{Out: shards, Codec: "raw"}, src, nil); err != nil {
		t.Fatal(err)
	}
	if err := run(t.Context(), []string{"prep-imagenet", "preview", "--augmented", out, shards}, os.Stdout, os.Stderr); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(out)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	config, err := png.DecodeConfig(f)
	if err != nil || config.Width != 4*224+3*4 || config.Height != 2*224+4 {
		t.Errorf("%d×%d, %v; want 908×452", config.Width, config.Height, err)
	}
	for _, args := range [][]string{{"--augmented", out}, {"--augmented", out, "--epochs", "0", shards}, {"--augmented", out, "--sample", "99", shards}, {shards}} {
		if err := run(t.Context(), append([]string{"prep-imagenet", "preview"}, args...), os.Stdout, os.Stderr); err == nil {
			t.Errorf("%q: no error", args)
		}
	}
}
