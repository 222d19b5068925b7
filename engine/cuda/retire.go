package cuda

import (
	"fmt"
	"runtime"
	"sync"

	"alexnet/engine/cuda/internal/gpu"
)

// retirement is enqueued work whose end the host must know: a piece of the staging ring
// becomes free, a download has arrived in it, or a mark is reached.
type retirement struct {
	event    gpu.Event // recorded after the work; nil: no wait
	dst, src []byte    // a download's two ends, both on the host
	upTo     int64     // where the ring's free part now begins; 0: no change
	mark     uint64
}

// inFlight is the number of retirements that can wait before the enqueuing goroutine must
// wait.
const inFlight = 64

// retirements is the queue of retirements. A goroutine with its own thread serves
// them in order. It only waits for work that has been enqueued, so it always makes
// progress.
type retirements struct {
	queue   chan retirement
	stopped chan struct{}
	events  [inFlight + 2]gpu.Event // one for each in the queue, and for each of the two goroutines
	next    int

	mu      sync.Mutex
	changed sync.Cond
	passed  uint64 // the last mark that has been reached
	good    uint64 // the last mark before the failure
	freed   int64  // see ring
}

func (r *retirements) start() {
	r.queue = make(chan retirement, inFlight)
	r.changed.L = &r.mu
}

// make makes the events and starts the goroutine.
func (r *retirements) make(c *Context) (err error) {
	for i := range r.events {
		if r.events[i], err = c.newEvent(); err != nil {
			return err
		}
	}
	r.stopped = make(chan struct{})
	go r.serve(c)
	return nil
}

// after records the work of s so far in an event for a retirement.
func (r *retirements) after(s gpu.Stream) (gpu.Event, error) {
	e := r.events[r.next]
	r.next = (r.next + 1) % len(r.events)
	return e, s.Record(e)
}

// serve waits for each retirement in turn.
func (r *retirements) serve(c *Context) {
	runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
	defer close(r.stopped)
	bound := c.card.device.Bind()
	for t := range r.queue {
		err := c.err()
		if err == nil {
			err = bound
		}
		if err == nil && t.event != nil {
			if err = t.event.Synchronize(); err == nil {
				err = c.overtaken()
			}
		}
		if err == nil {
			copy(t.dst, t.src)
		}
		c.fail(err)
		r.mu.Lock()
		r.freed = max(r.freed, t.upTo)
		r.passed = max(r.passed, t.mark)
		if err == nil {
			r.good = r.passed
		}
		r.changed.Broadcast()
		r.mu.Unlock()
	}
}

func (r *retirements) stop() {
	close(r.queue)
	if r.stopped != nil {
		<-r.stopped
	}
}

// reach makes everything enqueued so far count as mark n once it has run.
func (c *Context) reach(n uint64) {
	t := retirement{mark: n}
	if c.err() == nil {
		e, err := c.retired.after(c.compute)
		c.fail(err)
		if err == nil {
			t.event = e
		}
	}
	c.retired.queue <- t
}

// mark is an engine.Mark.
type mark struct {
	c *Context
	n uint64
}

// waitFreed waits until the ring's free part begins at upTo or later.
func (r *retirements) waitFreed(upTo int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for r.freed < upTo {
		r.changed.Wait()
	}
}

// Wait waits for the mark.
func (m mark) Wait() error {
	if m.n == 0 { // the mark was made after Close
		return fmt.Errorf("%s: wait: %w", m.c.name, errClosed)
	}
	r := &m.c.retired
	r.mu.Lock()
	for r.passed < m.n {
		r.changed.Wait()
	}
	good := r.good
	r.mu.Unlock()
	if m.n <= good {
		return nil
	}
	return m.c.err()
}
