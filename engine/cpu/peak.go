package cpu

import (
	"sync"
	"time"

	"alexnet/engine/cpu/internal/kernel"
)

// PeakFLOPS measures, for about the given time, how many floating-point
// operations a second the threads reach together on registers alone. Kernels
// are held against it. It is 0 on machines without an assembly loop to measure
// with.
func PeakFLOPS(threads int, during time.Duration) float64 {
	if kernel.Peak == nil {
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
				kernel.Peak(turns)
				n += turns
			}
			rate := float64(n) * kernel.PeakFLOP / time.Since(began).Seconds()
			mu.Lock()
			defer mu.Unlock()
			total += rate
		})
	}
	done.Wait()
	return total
}
