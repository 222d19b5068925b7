package mpi

import (
	"fmt"
	"testing"
	"time"

	"alexnet/engine/collective"
)

// gradients are the numbers of weights of alexnet's layers, last layers first.
var gradients = []int{4096 * 1000, 4096 * 4096, 9216 * 4096, 256 * 192 * 9, 384 * 192 * 9, 384 * 256 * 9, 256 * 48 * 25, 96 * 363}

// playBench times the sum of one step's gradients.
func playBench(w *World) error {
	var sums [][]float32
	n := 0
	for _, size := range gradients {
		sums = append(sums, make([]float32, size))
		n += size
	}
	for round := range 5 {
		if err := collective.Barrier(w); err != nil {
			return err
		}
		began := time.Now()
		var pending []func() error
		for _, s := range sums {
			pending = append(pending, w.AllReduce(s))
		}
		for _, p := range pending {
			if err := p(); err != nil {
				return err
			}
		}
		if w.Rank() == 0 && round > 0 {
			took := time.Since(began)
			sent := float64(n*w.options.Wire.Width()) * 2 * float64(w.Size()-1) / float64(w.Size())
			fmt.Printf("%d ranks: %d values in %v, %.0f MB sent a rank, %.2f GB/s\n", w.Size(), n, took.Round(time.Millisecond), sent/1e6, sent/took.Seconds()/1e9)
		}
	}
	return nil
}

// BenchmarkSums prints what a step's gradients take; run it with -v.
func BenchmarkSums(b *testing.B) {
	for _, launcher := range mpiruns {
		for _, role := range []string{"bench", "bench bfloat16"} {
			out, err := mpirun(b, launcher, role, 2)
			if err != nil {
				b.Fatalf("%v\n%s", err, out)
			}
			b.Logf("%s, %s\n%s", launcher, role, out)
		}
	}
}
