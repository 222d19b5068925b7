package pipeline

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"alexnet/pipeline/mds"
)

// batchSlot is one batch of the loader's ring. Workers fill it for batch number turn; the
// last of them signals ready; Next returns it; Release passes it to batch number turn +
// ring size.
type batchSlot struct {
	loader  *Loader
	batch   Batch
	turn    atomic.Int64  // number of the batch that fills it
	missing atomic.Int64  // pictures that are not filled yet
	ready   chan struct{} // one signal when none is missing
	held    atomic.Bool   // Next has returned it

	mu  sync.Mutex // guards the following while the slot is filled
	bad []badPlace // unreadable pictures of the batch
	err error      // why Next can't return the batch
}

// badPlace is an unreadable picture at a place of a batch.
type badPlace struct {
	place, sample int
	err           error
}

func newBatchSlot(l *Loader, turn int) (*batchSlot, error) {
	s := &batchSlot{loader: l, ready: make(chan struct{}, 1)}
	n := l.config.Batch
	size := n * l.config.Crop * l.config.Crop * 3
	pixels, err := l.config.Allocate(size)
	if err != nil {
		return nil, fmt.Errorf("memory for a batch: %w", err)
	}
	s.batch = Batch{
		Pixels:  pixels[:size:size],
		Colour:  make([]float32, 3*n),
		Labels:  make([]int32, n),
		Samples: make([]int, n),
		release: s.release,
	}
	s.turn.Store(int64(turn))
	s.missing.Store(int64(l.pictures))
	return s, nil
}

// await waits until the slot can be filled for a batch. It returns false if the loader
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

// done counts one picture as filled.
func (s *batchSlot) done() {
	if s.missing.Add(-1) == 0 {
		s.ready <- struct{}{}
	}
}

// fail records that the picture at a place of the batch could not be read.
func (s *batchSlot) fail(place, sample int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bad = append(s.bad, badPlace{place, sample, err})
}

// hand prepares the filled batch for Next, or sets err.
func (s *batchSlot) hand(number int) {
	l, b := s.loader, &s.batch
	b.Epoch, b.Step = number/l.steps, number%l.steps
	left := (l.dataset.Len() - l.at(b.Step, 0)) * l.config.views()
	b.Images = max(0, min(l.config.Batch, left))
	if len(s.bad) > 0 {
		s.leaveOut()
	}
	if l.config.Ragged == RaggedPartial {
		n := b.Images
		b.Pixels = b.Pixels[:n*l.config.Crop*l.config.Crop*3]
		b.Colour, b.Labels, b.Samples = b.Colour[:3*n], b.Labels[:n], b.Samples[:n]
	}
	s.held.Store(true)
}

// leaveOut removes the unreadable pictures from the batch: good rows move up in their
// order. If bad pictures are not to be skipped, or none is good, it sets err to the error
// of the batch's first bad picture, whatever the workers' order was.
func (s *batchSlot) leaveOut() {
	slices.SortFunc(s.bad, func(a, b badPlace) int { return a.place - b.place })
	l, b := s.loader, &s.batch
	views := l.config.views()
	pixels := l.config.Crop * l.config.Crop * 3
	switch {
	case !l.config.SkipBad:
		s.err = s.bad[0].err
		return
	case s.outage() != nil:
		s.err = s.outage()
		return
	case len(s.bad)*views == b.Images:
		s.err = fmt.Errorf("none of %d samples can be read, the first of them: %w", len(s.bad), s.bad[0].err)
		return
	}
	bad, to := s.bad, 0
	for place := range b.Images / views {
		if len(bad) > 0 && bad[0].place == place {
			l.bad.add(bad[0].sample, bad[0].err)
			bad = bad[1:]
			continue
		}
		for row := place * views; row < (place+1)*views; row++ {
			if to != row {
				copy(b.Pixels[to*pixels:][:pixels], b.Pixels[row*pixels:])
				copy(b.Colour[3*to:][:3], b.Colour[3*row:])
				b.Labels[to], b.Samples[to] = b.Labels[row], b.Samples[row]
			}
			to++
		}
	}
	for row := to; row < b.Images; row++ {
		clear(b.Pixels[row*pixels:][:pixels])
		clear(b.Colour[3*row:][:3])
		b.Labels[row], b.Samples[row] = -1, -1
	}
	b.Images = to
}

// outage returns why a shard of the batch could not be fetched, or nil. This isn't a bad
// sample: skipping would lose thousands of good ones.
func (s *batchSlot) outage() error {
	if s.loader.dataset.remote == nil {
		return nil
	}
	for _, b := range s.bad {
		if !errors.As(b.err, new(*mds.CorruptError)) {
			return b.err
		}
	}
	return nil
}

// release passes the slot to a later batch.
func (s *batchSlot) release() {
	if !s.held.CompareAndSwap(true, false) {
		return
	}
	l, b := s.loader, &s.batch
	b.Pixels, b.Colour = b.Pixels[:cap(b.Pixels)], b.Colour[:cap(b.Colour)]
	b.Labels, b.Samples = b.Labels[:cap(b.Labels)], b.Samples[:cap(b.Samples)]
	s.bad = s.bad[:0]
	s.missing.Store(int64(l.pictures))
	l.mu.Lock()
	s.turn.Add(int64(len(l.ring)))
	l.mu.Unlock()
	l.freed.Broadcast()
}
