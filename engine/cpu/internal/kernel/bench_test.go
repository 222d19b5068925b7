package kernel

import (
	"math/rand/v2"
	"testing"
	"time"
)

// BenchmarkKernels times the kernels besides the matrix kernel on sizes of the
// paper's net, and reports the fastest run: on a busy machine the one that went
// undisturbed.
func BenchmarkKernels(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 1))
	x, y, z, w := random(rng, 1<<20), random(rng, 1<<20), random(rng, 1<<20), random(rng, 1<<20)
	at := make([]byte, 1<<12)
	for _, set := range Usable() {
		offsets := make([]int, 32)
		for i := range offsets {
			offsets[i] = i/11*912*4 + i%11*57 // as of conv1's patches
		}
		rows := make([]int, set.TransposeRows) // as of fc6's weights
		for i := range rows {
			rows[i] = i * 9216
		}
		maps := make([]int, set.TransposeRows) // as of transformed tiles
		for i := range maps {
			maps[i] = i * 16 * 240
		}
		n := set.NR
		kernels := []struct {
			name string
			run  func()
		}{
			{"PackCopy/27", func() { set.PackCopy(&y[0], 224, &x[0], &offsets[0], 8, 8, 27, 31) }},
			{"PackCopy/55", func() { set.PackCopy(&y[0], 224, &x[0], &offsets[0], 8, 4, 55, 912) }},
			{"PackPanels/8", func() { set.PackPanels(&y[0], 256*n, &x[0], 224, 8, 224/n) }},
			{"PackPanels/1", func() { set.PackPanels(&y[0], 256*n, &x[0], 0, 1, 224/n) }},
			{"PackTranspose/55", func() {
				for i := 0; i < 32; i += set.TransposeRows {
					set.PackTranspose(&y[i/n*n*220+i%n], n, &x[0], &offsets[i], 4, 55, 912)
				}
			}},
			{"PackTranspose/rows", func() {
				for i := 0; i < 32; i += set.TransposeRows {
					set.PackTranspose(&y[i/n*n*256+i%n], n, &x[i*9216], &rows[0], 1, 256, 0)
				}
			}},
			{"PackTranspose/tiles", func() {
				for i := (set.MR - 1) / set.TransposeRows * set.TransposeRows; i >= 0; i -= set.TransposeRows {
					set.PackTranspose(&y[i], set.MR, &x[i*16*240], &maps[0], 1, 224, 0)
				}
			}},
			{"Split/4", func() { set.Split(&y[0], &x[0], 4, 57) }},
			{"AddBias/169", func() { set.AddBias(y[:169], 0, true) }},
			{"ReLUBackward/8192", func() { set.ReLUBackward(x[:8192], y[:8192], z[:8192]) }},
			{"Add/8192", func() { set.Add(z[:8192], y[:8192]) }},
			{"Sum/3025", func() { set.Sum(x[:3025]) }},
			{"Finite/169", func() { set.Finite(x[:169]) }},
			{"Dots/4096", func() {
				d := set.Dots[len(set.Dots)-1]
				d.Run(&z[0], 4, &x[0], 4096, &y[0], 4096, 4096)
			}},
			{"Update/8192", func() { set.Update(w[:8192], z[:8192], y[:8192], 0, 0, 0) }},
			{"LRNForward/128", func() { set.LRNForward(Neighbours{x, 5, 128}, x[:128], y[:128], 2, 1e-4) }},
			{"LRNTerms/128", func() { set.LRNTerms(Neighbours{x, 5, 128}, x[:128], w[:128], y[:128], z[:128], 2, 1e-4) }},
			{"LRNCombine/128", func() { set.LRNCombine(Neighbours{x, 5, 128}, x[:128], w[:128], y[:128], .1) }},
			{"MaxPool/27", func() { set.MaxPool(&x[0], 55, 3, 2, &y[0], &at[0], 27) }},
			{"MaxPool/13", func() { set.MaxPool(&x[0], 27, 3, 2, &y[0], &at[0], 13) }},
			{"MaxPool/6", func() { set.MaxPool(&x[0], 13, 3, 2, &y[0], &at[0], 6) }},
		}
		for i, tiles := range []int{7, 14} {
			f, rows := set.Winograd[i], 32/(i+1)
			pitch := 2 * (tiles + f.Size/2)
			name := []string{"3/", "5/"}[i]
			kernels = append(kernels, []struct {
				name string
				run  func()
			}{
				{"Weights" + name, func() { f.Weights(&y[0], set.MR*48, &x[0], 48) }},
				{"Input" + name, func() { f.Input(&y[0], 240, &x[0], pitch, pitch/2, rows, tiles) }},
				{"Output" + name, func() { f.Output(&y[0], 2*tiles-1, &x[0], 240, rows, tiles) }},
				{"Gradient" + name, func() { f.Gradient(&y[0], 240, &x[0], pitch, pitch/2, rows, tiles) }},
				{"WeightGradient" + name, func() { f.WeightGradient(&y[0], &x[0], 256, 256) }},
			}...)
		}
		for _, k := range kernels {
			b.Run(k.name+"/"+set.Name, func(b *testing.B) {
				fastest := time.Hour
				for b.Loop() {
					began := time.Now()
					for range 16 {
						k.run()
					}
					fastest = min(fastest, time.Since(began))
				}
				b.ReportMetric(float64(fastest.Nanoseconds())/16, "fastest-ns")
			})
		}
	}
}
