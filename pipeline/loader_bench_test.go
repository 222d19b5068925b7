package pipeline

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"alexnet/pipeline/codec"
	"alexnet/pipeline/mds"
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

// BenchmarkFirstEpoch presents raw pictures that nothing has looked at before,
// out of sets of three sizes: what an image costs doesn't grow with the set. The
// sets are the same shards under many names, so that they fit the page cache.
func BenchmarkFirstEpoch(b *testing.B) {
	for _, samples := range []int{1 << 14, 1 << 17, 1_280_000} {
		b.Run(strconv.Itoa(samples), func(b *testing.B) {
			dir := manyShards(b, samples)
			images := 0
			for b.Loop() { // an epoch, or its first 60,000 pictures
				b.StopTimer()
				d, err := OpenDataset(dir)
				if err != nil {
					b.Fatal(err)
				}
				l, err := NewLoader(d, LoaderConfig{Batch: 256, Train: true, Seed: uint64(images), Epochs: 1})
				if err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
				for range min(l.BatchesPerEpoch(), 60_000/256) {
					batch, err := l.Next(b.Context())
					if err != nil {
						b.Fatal(err)
					}
					images += batch.Images
					batch.Release()
				}
				b.StopTimer()
				l.Close()
				d.Close()
				b.StartTimer()
			}
			b.ReportMetric(b.Elapsed().Seconds()*1e6/float64(images), "µs/image")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// manyShards makes a folder of at least this many samples: one shard of raw pictures
// under many names.
func manyShards(b *testing.B, samples int) string {
	b.Helper()
	const size, perShard = 256, 341
	dir := b.TempDir()
	check := func(err error) {
		b.Helper()
		if err != nil {
			b.Fatal(err)
		}
	}
	w, err := mds.NewWriter(dir, mds.WriterConfig{Columns: columns(codec.Raw{}, size), SizeLimit: mds.NoSizeLimit})
	check(err)
	picture := make([]byte, size*size*3)
	for i := range picture {
		picture[i] = byte(i * i >> 5)
	}
	for range perShard {
		check(w.Write(picture, mds.AppendInt(nil, 0), []byte("p")))
	}
	shards, err := w.Finish()
	check(err)
	for first := shards[0].RawData.Basename; len(shards)*perShard < samples; {
		s := shards[0]
		s.RawData.Basename = fmt.Sprintf("shard.%05d.mds", len(shards))
		check(os.Link(filepath.Join(dir, first), filepath.Join(dir, s.RawData.Basename)))
		shards = append(shards, s)
	}
	check(writeIndex(dir, shards, &Meta{FormatVersion: FormatVersion, Split: "train", Images: len(shards) * perShard, Size: size, Codec: "raw", Classes: []Class{{ID: "all"}}}))
	return dir
}
