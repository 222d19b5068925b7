//go:build unix

package cpu_test

import (
	"flag"
	"testing"

	"alexnet/engine"
	"alexnet/engine/cpu"

	"golang.org/x/sys/unix"
)

var batch = flag.Int("batch", 128, "images of a benchmarked op")

// BenchmarkOps runs each op of the paper's net by itself and reports its rate.
func BenchmarkOps(b *testing.B) {
	for _, l := range layers() {
		b.Run(l.name, func(b *testing.B) {
			c, err := cpu.New("cpu", cpu.Options{})
			if err != nil {
				b.Fatal(err)
			}
			defer c.Close()
			ops := l.ops(&net{c, *batch})
			p := prepare(b, c, ops)
			b.ReportAllocs()
			b.ResetTimer()
			before := cpuSeconds()
			for range b.N {
				if err := p.Run(engine.Step{LearningRate: .01, Momentum: .9}); err != nil {
					b.Fatal(err)
				}
				if err := c.Sync(); err != nil {
					b.Fatal(err)
				}
			}
			used := cpuSeconds() - before
			b.ReportMetric(used*1e3/float64(b.N), "cpu-ms")
			if l.flop > 0 {
				b.ReportMetric(l.flop*float64(*batch*b.N)/used/1e9, "GFLOP/cpu-s")
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
