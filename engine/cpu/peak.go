package cpu

import (
	"sync"
	"time"

	"alexnet/engine/cpu/internal/kernel"
)

// PeakFLOPS measures, for about the given time, the floating-point operations a
// second that the threads reach together on registers alone, with the instructions of
// a set of kernels (named as in Options) in a precision. Kernels are compared with
// it. It is 0 for a set that this machine cannot run, or that has no assembly loop to
// measure with.
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

// Bandwidth measures, for about the given time, the bytes a second that the threads
// read and write together in memory that no cache holds: y += x over vectors of 64
// MB.
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

// rate lets each thread begin and then repeat its work. It returns the amount of work
// a second of all threads.
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
