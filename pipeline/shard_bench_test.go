package pipeline

import (
	"os"
	"path/filepath"
	"testing"

	"alexnet/pipeline/source"
)

// BenchmarkShard makes shards of the full-size photographs, one worker.
func BenchmarkShard(b *testing.B) {
	data := os.Getenv("ALEXNET_DATA")
	if data == "" {
		data = filepath.Join("..", "..", "shared", "data")
	}
	files, err := filepath.Glob(filepath.Join(data, "imagenet-sample", "*.JPEG"))
	if err != nil || len(files) == 0 {
		b.Skip("no photographs: ALEXNET_DATA or ../shared/data needs imagenet-sample")
	}
	in := filepath.Join(b.TempDir(), "in", "all")
	if err := os.MkdirAll(in, 0o777); err != nil {
		b.Fatal(err)
	}
	for _, f := range files {
		if f, err = filepath.Abs(f); err == nil {
			err = os.Symlink(f, filepath.Join(in, filepath.Base(f)))
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	src, err := source.Open(b.Context(), filepath.Dir(in), source.Options{Layout: "folders"})
	if err != nil {
		b.Fatal(err)
	}
	for _, cfg := range []ShardConfig{{Decoder: "turbo", Codec: "lossless"}, {Decoder: "turbo", Codec: "jpeg"}, {Decoder: "go", Codec: "lossless"}} {
		cfg.Workers = 1
		if cfg.Decoder == "turbo" && usedDecoder("auto") != "turbo" {
			continue
		}
		b.Run(cfg.Decoder+"/"+cfg.Codec, func(b *testing.B) {
			for b.Loop() {
				cfg.Out = filepath.Join(b.TempDir(), "out")
				if _, err := Shard(b.Context(), cfg, src, nil); err != nil {
					b.Fatal(err)
				}
				os.RemoveAll(cfg.Out)
			}
			b.ReportMetric(float64(b.N*len(files))/b.Elapsed().Seconds(), "images/s")
		})
	}
}
