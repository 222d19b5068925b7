package main

import (
	"bytes"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"alexnet/augment"
	"alexnet/pipeline"
	"alexnet/pipeline/source"
)

// TestPreview draws a synthetic picture's eight presentations.
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
	plain, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	config, err := png.DecodeConfig(bytes.NewReader(plain))
	if err != nil || config.Width != 4*224+3*4 || config.Height != 2*224+4 {
		t.Errorf("%d×%d, %v; want 908×452", config.Width, config.Height, err)
	}
	for _, k := range augment.Kinds {
		varied := filepath.Join(dir, k.Name+".png")
		args := []string{"prep-imagenet", "preview", "--augmented", varied, "--" + k.Name, k.Example, shards}
		if err := run(t.Context(), args, os.Stdout, os.Stderr); err != nil {
			t.Fatal(err)
		}
		if picture, err := os.ReadFile(varied); err != nil || bytes.Equal(picture, plain) {
			t.Errorf("%q draws the same picture as without, %v", args, err)
		}
	}
	for _, args := range [][]string{{"--augmented", out}, {"--augmented", out, "--epochs", "0", shards}, {"--augmented", out, "--sample", "99", shards}, {"--augmented", out, "--jitter", "2", shards}, {shards}} {
		if err := run(t.Context(), append([]string{"prep-imagenet", "preview"}, args...), os.Stdout, os.Stderr); err == nil {
			t.Errorf("%q: no error", args)
		}
	}
}
