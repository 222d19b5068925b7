package pipeline

import "sync/atomic"

// hints tells the system which samples will be read soon, as long as they come from a
// disk. A hint costs some ten microseconds, a third of the time of a raw picture in
// memory.
type hints struct {
	faults atomic.Int64 // this process's major page faults at the last count
	until  atomic.Int64 // the ticket before which hints are given
	// exact is set if the system can say what is in memory and the order is random. Then
	// every sample that isn't in memory gets a hint, and reading ahead around a sample is
	// useless.
	exact atomic.Bool
}

const (
	hintAhead = 256  // tickets from a picture to the one with the hint
	hintCheck = 64   // tickets between checks of what is in memory
	hintFor   = 4096 // tickets with hints after a sample was missing
)

// hint is called with every ticket before its picture is filled.
func (w *worker) hint(ticket int) {
	h := &w.loader.hints
	on := int64(ticket) < h.until.Load()
	if ticket%hintCheck == 0 && w.waits(w.later(ticket+hintAhead)) {
		h.until.Store(int64(ticket + hintFor))
		if !on {
			for t := ticket; t < ticket+hintAhead; t++ { // those without a hint yet
				w.hintAt(t)
			}
		}
		on = true
	}
	if on {
		w.hintAt(ticket + hintAhead)
	}
}

// waits reports whether reading has waited for a disk lately, or will for that sample.
func (w *worker) waits(sample int) bool {
	h := &w.loader.hints
	n := majorFaults()
	missing := sample >= 0 && !w.dataset.resident(sample)
	if missing && w.config.Shuffle == ShuffleGlobal {
		h.exact.Store(true)
	}
	return n > h.faults.Swap(n) || missing || w.dataset.config.NoMap // without a mapping, both are unknown
}

// hintAt gives the hint for a ticket's sample.
func (w *worker) hintAt(ticket int) {
	if sample := w.later(ticket); sample >= 0 {
		w.dataset.willNeed(sample, w.loader.hints.exact.Load())
	}
}

// later is the sample of a later ticket; −1 if there is none.
func (w *worker) later(ticket int) int {
	l := w.loader
	batch := l.start + ticket/l.pictures
	at := l.at(batch%l.steps, ticket%l.pictures)
	if at >= w.dataset.Len() || l.end >= 0 && batch >= l.end {
		return -1
	}
	if epoch := batch / l.steps; w.hintEpoch != epoch {
		w.hintEpoch, w.hintOrder = epoch, l.orders.get(epoch)
	}
	if w.hintOrder == nil {
		return at
	}
	return int(w.hintOrder[at])
}
