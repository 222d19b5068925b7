package cpu

import (
	"sync"
	"time"
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
	var total float64
	var mu sync.Mutex
	var done sync.WaitGroup
	for range threads {
		done.Go(func() {
			n := 0
			began := time.Now()
			for time.Since(began) < during {
				peak(turns)
				n += turns
			}
			rate := float64(n*flop) / time.Since(began).Seconds()
			mu.Lock()
			defer mu.Unlock()
			total += rate
		})
	}
	done.Wait()
	return total
}
