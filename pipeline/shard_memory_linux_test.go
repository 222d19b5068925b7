package pipeline

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// BenchmarkManyNames begins a job of as many pictures as ImageNet has, stops it
// after some shards, and reports the process's largest resident memory.
func BenchmarkManyNames(b *testing.B) {
	src := memory{classes: 1000, perClass: 1282}
	for b.Loop() {
		ctx, cancel := context.WithCancel(b.Context())
		cfg := ShardConfig{Out: filepath.Join(b.TempDir(), "out"), Codec: "raw", ShardSize: 1 << 26, Workers: 2}
		_, err := Shard(ctx, cfg, src, func(p ShardProgress) {
			if p.Done == 1000 {
				cancel()
			}
		})
		cancel()
		if !errors.Is(err, context.Canceled) {
			b.Fatal(err)
		}
	}
	var usage unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(usage.Maxrss)/1000, "peak-MB")
}
