package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

// Loader presents a dataset batch by batch. Worker goroutines read, decode and augment
// ahead of the caller into a ring of reused batches. Batches come in order, and are the
// same for any number of workers and after a resume: the order depends on (seed, epoch)
// only, and crop, flip and noise on (seed, epoch, sample) only.
//
// The unit of work is one picture. A worker takes the next picture by counting a ticket
// up, and writes the picture's rows to their place in the ring. Goroutines hand over
// whole batches only. Workers wait only when all batches of the ring are finished and
// not yet released.
//
// However slow the caller is, a loader holds no more than Prefetch batches, three
// pictures for each worker, and two orders of four bytes a sample.
type Loader struct {
	dataset *Dataset
	config  LoaderConfig

	pictures int // pictures in a batch of this rank
	steps    int // batches in an epoch
	start    int // number of the first batch, counted from epoch 0 step 0
	end      int // number of the batch before which the loader ends; −1: never

	ring    []*batchSlot
	tickets atomic.Int64 // pictures that workers have taken since the start, padding included
	next    int          // number of Next's next batch; only Next uses it
	err     error        // the error of all later calls of Next; only Next uses it

	mu         sync.Mutex
	freed      sync.Cond // a slot was released, or the loader stopped
	stopped    atomic.Bool
	closing    chan struct{} // closed by Close
	close      sync.Once
	workers    sync.WaitGroup
	ctx        context.Context // ends when the loader stops
	cancel     context.CancelFunc
	prefetcher *prefetcher // of a remote dataset, else nil
	hints      hints

	orders orders
	stats  counters
	bad    badSamples
}

// ErrLoaderClosed is returned by Next after Close.
var ErrLoaderClosed = errors.New("the loader is closed")

// NewLoader starts loading. The caller closes the loader, and the dataset after
// it.
func NewLoader(dataset *Dataset, config LoaderConfig) (*Loader, error) {
	l, err := newLoader(dataset, config)
	if err != nil {
		return nil, fmt.Errorf("load %s: %w", dataset.Dir(), err)
	}
	if dataset.remote != nil {
		l.prefetcher = l.newPrefetcher()
		l.prefetcher.start(l.ctx, &l.workers)
	}
	l.workers.Add(l.config.Workers)
	for range l.config.Workers {
		go newWorker(l).run()
	}
	return l, nil
}

// newPrefetcher looks ahead along this rank's tickets, at most one epoch.
func (l *Loader) newPrefetcher() *prefetcher {
	s := &prefetcher{
		dataset: l.dataset,
		sample:  l.place,
		taken:   func() int { return int(l.tickets.Load()) },
		end:     -1,
		busy:    len(l.ring) * l.pictures,
		reach:   l.steps * l.pictures,
	}
	if l.end >= 0 {
		s.end = max(0, l.end-l.start) * l.pictures
	}
	return s
}

// place is the sample of a ticket; after the epoch's end, its last one.
func (l *Loader) place(ticket int) int {
	batch := l.start + ticket/l.pictures
	at := min(l.at(batch%l.steps, ticket%l.pictures), l.dataset.Len()-1)
	if order := l.orders.get(batch / l.steps); order != nil {
		return int(order[at])
	}
	return at
}

func newLoader(dataset *Dataset, config LoaderConfig) (*Loader, error) {
	config.defaults(dataset)
	if err := config.validate(dataset.Meta().Size); err != nil {
		return nil, err
	}
	l := &Loader{
		dataset:  dataset,
		config:   config,
		pictures: config.Batch / config.views(),
		closing:  make(chan struct{}),
	}
	l.freed.L = &l.mu
	n, global := dataset.Len(), l.pictures*config.Ranks
	if l.steps = n / global; config.Ragged != RaggedDrop {
		l.steps = (n + global - 1) / global
	}
	if l.steps == 0 {
		return nil, fmt.Errorf("%d images don't fill one batch of %d; choose a smaller batch, or keep incomplete ones", n, global)
	}
	if config.StartStep > l.steps {
		return nil, fmt.Errorf("start step %d, but an epoch has %d batches of %d; was the batch size changed?", config.StartStep, l.steps, config.Batch)
	}
	l.start = config.StartEpoch*l.steps + config.StartStep
	l.next = l.start
	l.end = -1
	if config.Epochs > 0 {
		l.end = config.Epochs * l.steps
	}
	l.orders.make = l.makeOrder
	l.hints.faults.Store(majorFaults())
	l.ctx, l.cancel = context.WithCancel(context.Background())
	for i := range config.Prefetch {
		s, err := newBatchSlot(l, l.start+i)
		if err != nil {
			return nil, err
		}
		l.ring = append(l.ring, s)
	}
	return l, nil
}

// BatchesPerEpoch is the number of batches in an epoch.
func (l *Loader) BatchesPerEpoch() int { return l.steps }

// Next waits for the next batch, which belongs to the caller until Release. The caller
// must hold fewer than Prefetch batches: with all of them held, Next waits for ever.
//
// It returns io.EOF after the last batch, ErrLoaderClosed after Close, and the
// context's error if the context ends first (Next may be called again). Without
// SkipBad, it returns an error that names the sample if a sample can't be read: after
// all earlier batches, in place of the sample's batch, and loading ends there. Next is
// called from one goroutine at a time.
func (l *Loader) Next(ctx context.Context) (*Batch, error) {
	if l.err != nil {
		return nil, l.err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if l.end >= 0 && l.next >= l.end {
		l.err = io.EOF
		return nil, l.err
	}
	began := time.Now()
	s := l.ring[(l.next-l.start)%len(l.ring)]
	select {
	case <-s.ready:
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-l.closing:
		l.err = ErrLoaderClosed
		return nil, l.err
	}
	l.stats.callerWait.Add(int64(time.Since(began)))
	s.hand(l.next)
	if s.err != nil {
		l.err = fmt.Errorf("load %s: epoch %d, step %d: %w", l.dataset.Dir(), l.next/l.steps, l.next%l.steps, s.err)
		l.stop()
		return nil, l.err
	}
	l.next++
	return &s.batch, nil
}

// at returns the position within the epoch of a picture at a place of a step's batch.
func (l *Loader) at(step, place int) int {
	return (step*l.config.Ranks+l.config.Rank)*l.pictures + place
}

// Close stops the workers and waits for them. It takes as long as decoding one
// picture, and does not wait for shards that are being fetched. Batches that the caller
// still holds stay valid. Close may be called more than once, and while Next waits.
func (l *Loader) Close() error {
	l.close.Do(func() { close(l.closing) })
	l.stop()
	l.workers.Wait()
	return nil
}

// stop tells the workers to end.
func (l *Loader) stop() {
	l.mu.Lock()
	l.stopped.Store(true)
	l.mu.Unlock()
	l.freed.Broadcast()
	l.cancel()
}

// makeOrder returns the order of one epoch, or nil for the stored one.
func (l *Loader) makeOrder(epoch int) []uint32 {
	switch l.config.Shuffle {
	case ShuffleNone:
		return nil
	case ShuffleShards:
		return ShardOrder(l.config.Seed, uint64(epoch), l.dataset.first, l.config.Window)
	}
	return Order(l.config.Seed, uint64(epoch), l.dataset.Len())
}

// orders keeps the two orders that were used last.
type orders struct {
	make  func(epoch int) []uint32
	mu    sync.Mutex
	known [2]struct {
		epoch int // +1, 0: none
		order []uint32
	}
}

func (o *orders) get(epoch int) []uint32 {
	o.mu.Lock()
	defer o.mu.Unlock()
	k := &o.known[epoch%2]
	if k.epoch != epoch+1 {
		k.epoch, k.order = epoch+1, o.make(epoch)
	}
	return k.order
}
