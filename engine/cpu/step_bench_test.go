//go:build unix

package cpu_test

import (
	"testing"
	"time"

	"alexnet/engine"
	"alexnet/engine/cpu"
)

// BenchmarkStep trains the paper's net on -batch images in memory, on one
// context and on two, and BenchmarkInference runs it; they report images a second,
// on average, for a second of processor time, and in the fastest step.
func BenchmarkStep(b *testing.B) {
	benchmarkNet(b, func(m *engine.Model, images engine.Batch, n int) error {
		_, err := m.Train(images, engine.Step{Number: uint64(n), LearningRate: 0.001, Momentum: 0.9})
		return err
	})
}

func BenchmarkInference(b *testing.B) {
	benchmarkNet(b, func(m *engine.Model, images engine.Batch, _ int) error {
		_, err := m.Infer(images)
		return err
	})
}

func benchmarkNet(b *testing.B, step func(m *engine.Model, images engine.Batch, n int) error) {
	for _, towers := range []int{1, 2} {
		b.Run(map[int]string{1: "cpu", 2: "cpu,cpu"}[towers], func(b *testing.B) {
			net, err := engine.Preset("alexnet", 1000)
			if err != nil {
				b.Fatal(err)
			}
			var contexts []engine.Context
			for range towers {
				contexts = append(contexts, open(b, cpu.Options{Threads: *threads, Kernels: *kernels, Precision: *precision}))
			}
			m, err := engine.NewModel(net, contexts, engine.ModelConfig{Batch: *batch, Decay: 0.0005, Lean: true})
			if err != nil {
				b.Fatal(err)
			}
			if err := m.Initialize(engine.InitHe, 1); err != nil {
				b.Fatal(err)
			}
			size := net.Input.Size
			images := engine.Batch{Images: *batch, Pixels: make([]byte, *batch*size*size*3), Labels: make([]int32, *batch)}
			for i := range images.Pixels {
				images.Pixels[i] = byte(i * i / 7)
			}
			var bytes int64
			for _, p := range m.Plans() {
				bytes += p.Total()
			}
			if err := step(m, images, 0); err != nil { // memory's first use
				b.Fatal(err)
			}
			fastest := time.Hour
			b.ResetTimer()
			before := cpuSeconds()
			for n := range b.N {
				start := time.Now()
				if err := step(m, images, n+1); err != nil {
					b.Fatal(err)
				}
				fastest = min(fastest, time.Since(start))
			}
			used := cpuSeconds() - before
			b.ReportMetric(float64(*batch*b.N)/b.Elapsed().Seconds(), "images/s")
			b.ReportMetric(float64(*batch*b.N)/used, "images/cpu-s")
			b.ReportMetric(float64(*batch)/fastest.Seconds(), "fastest-images/s")
			b.ReportMetric(float64(bytes)/(1<<20), "MiB")
		})
	}
}

// BenchmarkInfer runs the paper's net on -batch images in memory, as predict and
// serve do, and reports images a second: on average, per second of processor time,
// and in the fastest run.
func BenchmarkInfer(b *testing.B) {
	net, err := engine.Preset("alexnet", 1000)
	if err != nil {
		b.Fatal(err)
	}
	c := open(b, cpu.Options{Threads: *threads, Kernels: *kernels})
	m, err := engine.NewModel(net, []engine.Context{c}, engine.ModelConfig{Batch: *batch, Inference: true})
	if err != nil {
		b.Fatal(err)
	}
	if err := m.Initialize(engine.InitHe, 1); err != nil {
		b.Fatal(err)
	}
	size := net.Input.Size
	images := engine.Batch{Images: *batch, Pixels: make([]byte, *batch*size*size*3), Labels: make([]int32, *batch)}
	for i := range images.Pixels {
		images.Pixels[i] = byte(i * i / 7)
	}
	if _, err := m.Infer(images); err != nil { // packs the weights
		b.Fatal(err)
	}
	fastest := time.Hour
	b.ResetTimer()
	before := cpuSeconds()
	for range b.N {
		start := time.Now()
		if _, err := m.Infer(images); err != nil {
			b.Fatal(err)
		}
		fastest = min(fastest, time.Since(start))
	}
	used := cpuSeconds() - before
	b.ReportMetric(float64(*batch*b.N)/b.Elapsed().Seconds(), "images/s")
	b.ReportMetric(float64(*batch*b.N)/used, "images/cpu-s")
	b.ReportMetric(float64(*batch)/fastest.Seconds(), "fastest-images/s")
}
