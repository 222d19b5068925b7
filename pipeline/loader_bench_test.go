package pipeline

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"alexnet/pipeline/codec"
	"alexnet/pipeline/source"
)

// BenchmarkLoader presents 512 photographs as 224² crops with flips and noise.
// The shards fit the page cache.
func BenchmarkLoader(b *testing.B) {
	root := os.Getenv("ALEXNET_DATA")
	if root == "" {
		root = filepath.Join("..", "..", "shared", "data")
	}
	photographs := filepath.Join(root, "imagenette-160", "train")
	if _, err := os.Stat(photographs); err != nil {
		b.Skip("no photographs: ../shared/data beside the repository, or $ALEXNET_DATA, needs imagenette-160")
	}
	for _, name := range codec.Names() {
		b.Run(name, func(b *testing.B) {
			src, err := source.Open(b.Context(), photographs, source.Options{})
			if err != nil {
				b.Fatal(err)
			}
			defer src.Close()
			dir := b.TempDir()
			if _, err := Shard(b.Context(), ShardConfig{Out: dir, Codec: name, Limit: 512}, src, nil); err != nil {
				b.Fatal(err)
			}
			d, err := OpenDataset(dir)
			if err != nil {
				b.Fatal(err)
			}
			defer d.Close()
			l, err := NewLoader(d, LoaderConfig{Batch: 256, Train: true, PCA: &testPCA})
			if err != nil {
				b.Fatal(err)
			}
			defer l.Close()
			b.ReportAllocs()
			images := 0
			for b.Loop() {
				batch, err := l.Next(context.Background())
				if err != nil {
					b.Fatal(err)
				}
				images += batch.Images
				batch.Release()
			}
			b.ReportMetric(float64(images)/b.Elapsed().Seconds(), "images/s")
		})
	}
}
