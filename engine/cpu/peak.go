package cpu

import (
	"sync"
	"sync/atomic"
	"time"

	"alexnet/engine/cpu/internal/kernel"
)

// PeakFLOPS measures, for about the given time, the floating-point operations a
// second that the threads reach together on registers alone, with the instructions of
// a set of kernels (named as in Options) in a precision: the best of many short bursts,
// which other jobs disturb least. Kernels are compared with it. It is 0 for a set that this machine cannot run, or that has no assembly loop to
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
	const turns = 1000
	return rate(threads, during, func() func() int {
		return func() int {
			peak(turns)
			return turns * flop
		}
	})
}

// Bandwidth measures, for about the given time, the bytes a second that the threads
// read and write together in memory that no cache holds: y += x over vectors of 64
// MB, the best of many short bursts.
func Bandwidth(threads int, during time.Duration) float64 {
	add := kernel.Best().Add
	return rate(threads, during, func() func() int {
		const n, piece = 16 << 20, 64 << 10
		x, y, at := make([]float32, n), make([]float32, n), 0
		add(y, x) // first use of the memory
		return func() int {
			add(y[at:at+piece], x[at:at+piece])
			at = (at + piece) % n
			return 3 * 4 * piece
		}
	})
}

// burst is the time over which a rate is measured. It is so short that on a machine with
// other programs, all threads run together during some bursts.
const burst = 500 * time.Microsecond

// rate lets each thread begin and then repeat its work. It returns the work per second of
// all threads in their best burst. Work in several bursts is divided between them by
// time.
func rate(threads int, during time.Duration, begin func() (work func() (amount int))) float64 {
	amounts := make([]atomic.Int64, max(1, during/burst))
	end := time.Duration(len(amounts)) * burst
	var ready, done sync.WaitGroup
	ready.Add(threads)
	start := make(chan time.Time)
	for range threads {
		done.Go(func() {
			work := begin()
			ready.Done()
			began := <-start
			for from := time.Since(began); from < end; {
				amount, to := work(), max(time.Since(began), from+1)
				for i := from / burst; i*burst < min(to, end); i++ {
					there := min(to, (i+1)*burst) - max(from, i*burst)
					amounts[i].Add(int64(float64(amount) * float64(there) / float64(to-from)))
				}
				from = to
			}
		})
	}
	ready.Wait()
	began := time.Now()
	for range threads {
		start <- began
	}
	done.Wait()
	var best int64
	for i := range amounts {
		best = max(best, amounts[i].Load())
	}
	return float64(best) / burst.Seconds()
}
