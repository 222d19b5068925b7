package pipeline

import (
	"sync"
	"sync/atomic"
)

// batchSlot is one batch of the loader's ring. It goes round: workers fill it for
// batch number turn; the last of them signals ready; Next hands it out; Release
// gives it to batch number turn + ring size.
type batchSlot struct {
	loader  *Loader
	batch   Batch
	turn    atomic.Int64  // number of the batch that it is being filled for
	missing atomic.Int64  // pictures still to be filled in
	ready   chan struct{} // one signal when none is missing
	held    atomic.Bool   // by the caller

	mu     sync.Mutex // of the following, while the slot is filled
	err    error      // of the first unreadable picture in the batch
	failed int        // its place
}

func newBatchSlot(l *Loader, turn int) *batchSlot {
	s := &batchSlot{loader: l, ready: make(chan struct{}, 1)}
	n := l.config.Batch
	s.batch = Batch{
		Pixels:  make([]byte, n*l.config.Crop*l.config.Crop*3),
		Colour:  make([]float32, 3*n),
		Labels:  make([]int32, n),
		Samples: make([]int, n),
		release: s.release,
	}
	s.turn.Store(int64(turn))
	s.missing.Store(int64(l.pictures))
	return s
}

// await waits until the slot can be filled for a batch; false: the loader
// stopped.
func (s *batchSlot) await(batch int) bool {
	l := s.loader
	if s.turn.Load() != int64(batch) && !l.stopped.Load() {
		l.mu.Lock()
		for s.turn.Load() != int64(batch) && !l.stopped.Load() {
			l.freed.Wait()
		}
		l.mu.Unlock()
	}
	return !l.stopped.Load()
}

// done counts one picture as filled in.
func (s *batchSlot) done() {
	if s.missing.Add(-1) == 0 {
		s.ready <- struct{}{}
	}
}

// fail notes that the picture at a place of the batch could not be read. Of
// several, the first in the batch is kept, so that the error doesn't depend on
// the workers.
func (s *batchSlot) fail(place int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil || place < s.failed {
		s.err, s.failed = err, place
	}
}

// hand sets the batch up for the caller.
func (s *batchSlot) hand(number int) {
	l, b := s.loader, &s.batch
	b.Epoch, b.Step = number/l.steps, number%l.steps
	left := (l.dataset.Len() - b.Step*l.pictures) * l.config.views()
	b.Images = min(l.config.Batch, left)
	if l.config.Ragged == RaggedPartial {
		n := b.Images
		b.Pixels = b.Pixels[:n*l.config.Crop*l.config.Crop*3]
		b.Colour, b.Labels, b.Samples = b.Colour[:3*n], b.Labels[:n], b.Samples[:n]
	}
	s.held.Store(true)
}

// release gives the slot to a later batch.
func (s *batchSlot) release() {
	if !s.held.CompareAndSwap(true, false) {
		return
	}
	l, b := s.loader, &s.batch
	b.Pixels, b.Colour = b.Pixels[:cap(b.Pixels)], b.Colour[:cap(b.Colour)]
	b.Labels, b.Samples = b.Labels[:cap(b.Labels)], b.Samples[:cap(b.Samples)]
	s.missing.Store(int64(l.pictures))
	l.mu.Lock()
	s.turn.Add(int64(len(l.ring)))
	l.mu.Unlock()
	l.freed.Broadcast()
}
