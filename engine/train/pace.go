package train

import (
	"fmt"
	"time"

	"alexnet/pipeline"
)

// waitingMuch is the part of the time, spent waiting for batches, above which the
// loader and not the training is the bottleneck.
const waitingMuch = 0.1

// Values of Pace.Bottleneck.
const (
	BoundByFetch    = "fetch"    // waiting for shards from elsewhere
	BoundByDecode   = "decode"   // reading and decoding
	BoundByAugment  = "augment"  // cropping, resizing, jitter
	BoundByTraining = "training" // the devices
)

// Pace says what an interval of training was spent on.
type Pace struct {
	Bottleneck string // what limits the rate: a BoundBy value
	Loader     Shares
}

// Shares are parts of the time of the loader's workers, 0–1.
type Shares struct {
	Fetch   float64 `json:"fetch"`   // waiting for shards from elsewhere
	Decode  float64 `json:"decode"`  // reading and decoding
	Augment float64 `json:"augment"` // cropping, resizing, jitter
	Device  float64 `json:"device"`  // waiting until the training wants more
}

// String returns the text for the progress line: "limit: decode; decode 71 %, augment
// 2 %, wait on device 0 %".
func (p Pace) String() string {
	fetch := ""
	if p.Loader.Fetch > 0 {
		fetch = fmt.Sprintf("fetch %.0f %%, ", 100*p.Loader.Fetch)
	}
	return fmt.Sprintf("limit: %s; %sdecode %.0f %%, augment %.0f %%, wait on device %.0f %%",
		p.Bottleneck, fetch, 100*p.Loader.Decode, 100*p.Loader.Augment, 100*p.Loader.Device)
}

// pacer measures the time from one mark to the next.
type pacer struct {
	loader *pipeline.Loader // of the mark
	before pipeline.LoaderStats
	since  time.Time
}

// measure returns how the time since the mark was spent. waiting is the part of it in
// which training waited for batches. A new loader begins a new interval.
func (p *pacer) measure(l *pipeline.Loader, waiting float64) Pace {
	now := Pace{Bottleneck: BoundByTraining}
	if l == nil {
		return now
	}
	if p.loader != l {
		p.mark(l)
	}
	s := l.Stats().Sub(p.before)
	if all := time.Since(p.since).Seconds() * float64(s.Workers); all > 0 {
		share := func(d time.Duration) float64 { return min(1, d.Seconds()/all) }
		now.Loader = Shares{share(s.Fetch), share(s.Decode), share(s.Augment), share(s.WorkerWait)}
	}
	switch part := now.Loader; {
	case waiting < waitingMuch:
	case part.Fetch > max(part.Decode, part.Augment):
		now.Bottleneck = BoundByFetch
	case part.Augment > part.Decode:
		now.Bottleneck = BoundByAugment
	default:
		now.Bottleneck = BoundByDecode
	}
	return now
}

// mark begins an interval.
func (p *pacer) mark(l *pipeline.Loader) {
	p.loader, p.since = l, time.Now()
	if l != nil {
		p.before = l.Stats()
	}
}
