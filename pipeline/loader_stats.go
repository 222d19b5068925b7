package pipeline

import (
	"fmt"
	"sync/atomic"
	"time"
)

// LoaderStats divide up the time of a loader since it was made. The times
// of the workers are added up, so they grow by Workers seconds a second.
type LoaderStats struct {
	Workers    int           // goroutines
	Pictures   int64         // decoded
	Bad        int64         // left out because they can't be read
	Fetch      time.Duration // workers: waiting for remote shards
	Decode     time.Duration // workers: reading and decoding
	Augment    time.Duration // workers: cropping, mirroring, noise
	WorkerWait time.Duration // workers: waiting for a batch to be released
	CallerWait time.Duration // Next: waiting for a batch to be filled
}

// Sub returns s minus the statistics of an earlier moment.
func (s LoaderStats) Sub(earlier LoaderStats) LoaderStats {
	return LoaderStats{
		Workers:    s.Workers,
		Pictures:   s.Pictures - earlier.Pictures,
		Bad:        s.Bad - earlier.Bad,
		Fetch:      s.Fetch - earlier.Fetch,
		Decode:     s.Decode - earlier.Decode,
		Augment:    s.Augment - earlier.Augment,
		WorkerWait: s.WorkerWait - earlier.WorkerWait,
		CallerWait: s.CallerWait - earlier.CallerWait,
	}
}

// Bottleneck names what limits the training; elapsed is the time that these statistics
// cover. If the caller has waited for at least a tenth of that time, it is the longest
// of "fetch", "decode" and "augment", else "training".
func (s LoaderStats) Bottleneck(elapsed time.Duration) string {
	switch {
	case s.CallerWait < elapsed/10:
		return "training"
	case s.Fetch > max(s.Decode, s.Augment):
		return "fetch"
	case s.Augment > s.Decode:
		return "augment"
	}
	return "decode"
}

// Summary describes for people how the workers and the caller spent the time; elapsed
// is the time that these statistics cover: "decode 71 %, augment 2 %, wait on the
// caller 0 %; the caller waited 65 %". The first three are shares of the workers' time.
// If workers waited for remote shards, that share comes first.
func (s LoaderStats) Summary(elapsed time.Duration) string {
	share := func(part time.Duration, of int) float64 {
		if elapsed <= 0 || of < 1 {
			return 0
		}
		return 100 * float64(part) / float64(elapsed) / float64(of)
	}
	fetch := ""
	if s.Fetch > 0 {
		fetch = fmt.Sprintf("fetch %.0f %%, ", share(s.Fetch, s.Workers))
	}
	return fetch + fmt.Sprintf("decode %.0f %%, augment %.0f %%, wait on the caller %.0f %%; the caller waited %.0f %%",
		share(s.Decode, s.Workers), share(s.Augment, s.Workers), share(s.WorkerWait, s.Workers), share(s.CallerWait, 1))
}

// Stats may be called at any time from any goroutine.
func (l *Loader) Stats() LoaderStats {
	l.bad.mu.Lock()
	bad := l.bad.times
	l.bad.mu.Unlock()
	return LoaderStats{
		Workers:    l.config.Workers,
		Pictures:   l.stats.pictures.Load(),
		Bad:        bad,
		Fetch:      time.Duration(l.stats.fetch.Load()),
		Decode:     time.Duration(l.stats.decode.Load()),
		Augment:    time.Duration(l.stats.augment.Load()),
		WorkerWait: time.Duration(l.stats.workerWait.Load()),
		CallerWait: time.Duration(l.stats.callerWait.Load()),
	}
}

type counters struct {
	pictures, fetch, decode, augment, workerWait, callerWait atomic.Int64 // nanoseconds, except augment
}
