package pipeline

import (
	"sync/atomic"
	"time"
)

// LoaderStats says where a loader's time has gone since it was made. The times
// of the workers are added up, so they grow by Workers seconds a second.
type LoaderStats struct {
	Pictures   int64         // decoded
	Decode     time.Duration // workers: reading and decoding
	Augment    time.Duration // workers: cropping, mirroring, noise
	WorkerWait time.Duration // workers: waiting for a batch to be released
	CallerWait time.Duration // Next: waiting for a batch to be filled
}

// Sub is what happened since an earlier moment.
func (s LoaderStats) Sub(earlier LoaderStats) LoaderStats {
	return LoaderStats{
		Pictures:   s.Pictures - earlier.Pictures,
		Decode:     s.Decode - earlier.Decode,
		Augment:    s.Augment - earlier.Augment,
		WorkerWait: s.WorkerWait - earlier.WorkerWait,
		CallerWait: s.CallerWait - earlier.CallerWait,
	}
}

// Bottleneck names what the training waits for, given the time in which these
// stats came about: "decode" or "augment", whichever takes longer, when the
// caller has waited a tenth of the time or more, else "training".
func (s LoaderStats) Bottleneck(elapsed time.Duration) string {
	switch {
	case s.CallerWait < elapsed/10:
		return "training"
	case s.Augment > s.Decode:
		return "augment"
	}
	return "decode"
}

// Stats may be called at any time from any goroutine.
func (l *Loader) Stats() LoaderStats {
	return LoaderStats{
		Pictures:   l.stats.pictures.Load(),
		Decode:     time.Duration(l.stats.decode.Load()),
		Augment:    time.Duration(l.stats.augment.Load()),
		WorkerWait: time.Duration(l.stats.workerWait.Load()),
		CallerWait: time.Duration(l.stats.callerWait.Load()),
	}
}

type counters struct {
	pictures, decode, augment, workerWait, callerWait atomic.Int64 // nanoseconds but for the first
}
