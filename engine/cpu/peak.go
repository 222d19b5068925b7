package cpu

import (
	"sync"
	"time"

	"alexnet/engine/cpu/internal/kernel"
)

// PeakFLOPS measures, for about the given time, how many floating-point
// operations a second the threads reach together on registers alone with the
// instructions of a set of kernels, named as in Options, in a precision. Kernels are held against
// it. It is 0 for a set that this machine can't run, or that has no assembly loop
// to measure with.
func PeakFLOPS(kernels, precision string, threads int, during time.Duration) float64 {
	set, narrower, err := find(kernels, precision)
	if err != nil {
		return 0
	}
	peak, flop := set.Peak, set.PeakFLOP
	if narrower != nil {
		peak, flop = narrower.Peak, narrower.PeakFLOP
	}
	if peak == nil {
		return 0
	}
	const turns = 10_000
	return rate(threads, during, func() func() int {
		return func() int {
			peak(turns)
			return turns * flop
		}
	})
}

// Bandwidth measures, for about the given time, how many bytes a second the threads
// read and write together in memory that no cache holds: y += x over vectors of 64 MB.
func Bandwidth(threads int, during time.Duration) float64 {
	add := kernel.Best().Add
	return rate(threads, during, func() func() int {
		const n, piece = 16 << 20, 1 << 20
		x, y, at := make([]float32, n), make([]float32, n), 0
		add(y, x) // memory's first use
		return func() int {
			add(y[at:at+piece], x[at:at+piece])
			at = (at + piece) % n
			return 3 * 4 * piece
		}
	})
}

// rate has each of the threads repeat work, which it begins with, and returns what all
// of it amounts to in a second.
func rate(threads int, during time.Duration, begin func() (work func() (amount int))) float64 {
	var total float64
	var mu sync.Mutex
	var ready, done sync.WaitGroup
	ready.Add(threads)
	for range threads {
		done.Go(func() {
			work := begin()
			ready.Done()
			ready.Wait()
			n := 0
			began := time.Now()
			for time.Since(began) < during {
				n += work()
			}
			own := float64(n) / time.Since(began).Seconds()
			mu.Lock()
			defer mu.Unlock()
			total += own
		})
	}
	done.Wait()
	return total
}
