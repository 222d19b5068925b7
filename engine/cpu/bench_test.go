//go:build unix

package cpu_test

import (
	"flag"
	"testing"
	"time"

	"alexnet/engine"
	"alexnet/engine/cpu"

	"golang.org/x/sys/unix"
)

var (
	batch     = flag.Int("batch", 128, "images of a benchmarked op")
	threads   = flag.Int("threads", 0, "threads of a benchmarked context, 0 for all")
	kernels   = flag.String("kernels", "", "set of kernels of a benchmarked context, the fastest by itself")
	precision = flag.String("precision", "fp32", "arithmetic of a benchmarked context")
)

// BenchmarkOps runs each op of the paper's net by itself and reports its rate:
// on average, per second of processor time, and in the fastest run, which other
// users of the machine disturbed least. On a busy machine a small batch and one
// thread give the fastest run a chance to go undisturbed:
//
//	go test -run - -bench Ops -benchtime 100x ./engine/cpu -args -batch 1 -threads 1
func BenchmarkOps(b *testing.B) {
	for _, l := range layers() {
		b.Run(l.name, func(b *testing.B) {
			c, err := cpu.New("cpu", cpu.Options{Threads: *threads, Kernels: *kernels, Precision: *precision})
			if err != nil {
				b.Fatal(err)
			}
			defer c.Close()
			ops := l.ops(&net{c, *batch})
			p := prepare(b, c, ops)
			b.ReportAllocs()
			b.ResetTimer()
			before := cpuSeconds()
			fastest := time.Hour
			for range b.N {
				start := time.Now()
				if err := p.Run(engine.Step{LearningRate: .01, Momentum: .9}); err != nil {
					b.Fatal(err)
				}
				if err := c.Sync(); err != nil {
					b.Fatal(err)
				}
				fastest = min(fastest, time.Since(start))
			}
			used := cpuSeconds() - before
			b.ReportMetric(used*1e3/float64(b.N), "cpu-ms")
			b.ReportMetric(fastest.Seconds()*1e3, "fastest-ms")
			if l.flop > 0 {
				b.ReportMetric(l.flop*float64(*batch*b.N)/used/1e9, "GFLOP/cpu-s")
				b.ReportMetric(l.flop*float64(*batch)/fastest.Seconds()/1e9, "fastest-GFLOP/s")
				b.ReportMetric(l.flop*float64(*batch*b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
			}
		})
	}
}

// cpuSeconds is the processor time that this process has used: on a machine
// that others share, the steadier measure.
func cpuSeconds() float64 {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}
