package pipeline

import (
	"context"
	"testing"
)

// BenchmarkLoader presents 256² pictures as 224² crops with flips and noise. The
// shards fit the page cache.
func BenchmarkLoader(b *testing.B) {
	for _, codec := range []string{"raw", "jpeg"} {
		b.Run(codec, func(b *testing.B) {
			d := testSet{codec: codec, images: 512, size: 256}.open(b)
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
