//go:build unix

package cpu_test

import (
	"testing"
	"time"

	"alexnet/engine"
	"alexnet/engine/cpu"
)

// BenchmarkProducts runs matrix products that OpenBLAS can run too, for which
// tools/bench/peers/gemm_numpy.py has the same names: m×n×k. A convolution's
// time includes the packing of its patches from the images, which a peer is
// given as a matrix.
//
//	go test -run - -bench Products ./engine/cpu -args -threads 2
func BenchmarkProducts(b *testing.B) {
	for _, p := range []struct {
		name   string
		images int
		layer  layerBench
	}{
		{"1024×1024×1024", 1024, dense("", 1024, 1024)[0]},
		{"fc7 128×4096×4096", 128, dense("", 4096, 4096)[0]},
		{"fc6 128×4096×9216", 128, dense("", 9216, 4096)[0]},
		{"conv1 48×24200×363", 8, conv("", 3, 224, 48, 1, engine.Window{Size: 11, Stride: 4, Pad: 2}, false)[0]},
		{"conv2 128×11664×1200", 16, conv("", 48, 27, 128, 1, engine.Window{Size: 5, Stride: 1, Pad: 2}, false)[0]},
		{"conv3 192×2704×2304", 16, conv("", 256, 13, 192, 1, engine.Window{Size: 3, Stride: 1, Pad: 1}, false)[0]},
		{"conv4 192×2704×1728", 16, conv("", 192, 13, 192, 1, engine.Window{Size: 3, Stride: 1, Pad: 1}, false)[0]},
		{"conv5 128×2704×1728", 16, conv("", 192, 13, 128, 1, engine.Window{Size: 3, Stride: 1, Pad: 1}, false)[0]},
	} {
		b.Run(p.name, func(b *testing.B) {
			c, err := cpu.New("cpu", cpu.Options{Threads: *threads, Kernels: *kernels, Precision: *precision})
			if err != nil {
				b.Fatal(err)
			}
			defer c.Close()
			program := prepare(b, c, p.layer.ops(&net{c, p.images}))
			fastest := time.Hour
			for b.Loop() {
				start := time.Now()
				if err := program.Run(engine.Step{}); err != nil {
					b.Fatal(err)
				}
				if err := c.Sync(); err != nil {
					b.Fatal(err)
				}
				fastest = min(fastest, time.Since(start))
			}
			b.ReportMetric(p.layer.flop*float64(p.images)/fastest.Seconds()/1e9, "fastest-GFLOP/s")
		})
	}
}

// BenchmarkPeak is the rate of registers alone on -threads threads (at least
// one), beside which the others stand.
func BenchmarkPeak(b *testing.B) {
	for b.Loop() {
		b.ReportMetric(cpu.PeakFLOPS(*kernels, *precision, max(1, *threads), time.Second/4)/1e9, "GFLOP/s")
	}
}
