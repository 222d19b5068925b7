package cuda

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"

	"alexnet/engine"
	"alexnet/engine/cuda/internal/gpu"
)

// watch is a goroutine that checks exchanges between ranks. If one takes too long, or the
// communicator reports a failure, it fails the context and aborts the communicator, so
// that streams end and no wait is endless.
type watch struct {
	stop, stopped chan struct{}

	mu      sync.Mutex
	going   []*exchange
	idle    []*exchange // with events for reuse
	failure error
}

// exchange is an exchange in progress. Its time begins when the stream reaches it, so
// that a long queue before it doesn't count.
type exchange struct {
	what         string
	began, ended gpu.Event
	enqueued     bool
	since        time.Time // when it was first seen to have begun
}

// start begins to watch.
func (w *watch) start(c *Context) {
	w.stop, w.stopped = make(chan struct{}), make(chan struct{})
	go w.serve(c)
}

// end stops watching and returns the failure that was found.
func (w *watch) end() error {
	close(w.stop)
	<-w.stopped
	return w.failure
}

func (w *watch) serve(c *Context) {
	runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
	defer close(w.stopped)
	timeout := c.options.rankTimeout()
	ticks := time.NewTicker(max(time.Millisecond, min(100*time.Millisecond, timeout/10)))
	defer ticks.Stop()
	err := c.card.device.Bind()
	for err == nil {
		select {
		case <-w.stop:
			return
		case <-ticks.C:
			err = w.look(c.ranks.by, timeout)
		}
	}
	w.failure = err
	c.fail(err) // before the aborted communicator makes anything return
	w.failure = errors.Join(err, c.ranks.by.Abort())
}

// look removes exchanges that have ended, and returns an error for one that takes too
// long.
func (w *watch) look(by gpu.Communicator, timeout time.Duration) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	rest := w.going[:0]
	var late *exchange
	for _, e := range w.going {
		ended, err := e.passed(now)
		switch {
		case err != nil:
			return err
		case ended:
			w.idle = append(w.idle, e)
			continue
		case !e.since.IsZero() && now.Sub(e.since) > timeout && late == nil:
			late = e
		}
		rest = append(rest, e)
	}
	w.going = rest
	if late != nil {
		return fmt.Errorf("%w: not all ranks came to %s within %v", engine.ErrStalled, late.what, timeout)
	}
	return stalled(by.Failure())
}

// passed reports whether the exchange has ended, and records its beginning.
func (e *exchange) passed(now time.Time) (bool, error) {
	if !e.enqueued {
		return false, nil // the events are still those of an earlier use
	}
	if ended, err := e.ended.Passed(); ended || err != nil {
		return ended, err
	}
	if !e.since.IsZero() {
		return false, nil
	}
	began, err := e.began.Passed()
	if began {
		e.since = now
	}
	return false, err
}

// begin marks the beginning of an exchange on a stream. Until it is enqueued, the
// host waits for the other ranks; that time counts too.
func (w *watch) begin(c *Context, s gpu.Stream, what string) (*exchange, error) {
	e, err := w.take(c)
	if err != nil {
		return nil, err
	}
	e.what, e.enqueued, e.since = what, false, time.Now()
	if err := s.Record(e.began); err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.going = append(w.going, e)
	return e, nil
}

// take returns an exchange with its own events.
func (w *watch) take(c *Context) (e *exchange, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if n := len(w.idle); n > 0 {
		e, w.idle = w.idle[n-1], w.idle[:n-1]
		return e, nil
	}
	if e, err = w.oldest(); e != nil || err != nil {
		return e, err
	}
	e = new(exchange)
	for _, at := range []*gpu.Event{&e.began, &e.ended} {
		if *at, err = c.newEvent(); err != nil {
			return nil, err
		}
	}
	return e, nil
}

// oldest takes the first exchange back if it has ended, so that there are only as many as
// are in progress.
func (w *watch) oldest() (*exchange, error) {
	if len(w.going) == 0 {
		return nil, nil
	}
	e := w.going[0]
	ended, err := e.passed(time.Now())
	if !ended || err != nil {
		return nil, err
	}
	w.going = slices.Delete(w.going, 0, 1)
	return e, nil
}

// enqueued marks the end of an exchange.
func (w *watch) enqueued(e *exchange, s gpu.Stream) error {
	if err := s.Record(e.ended); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	e.enqueued, e.since = true, time.Time{}
	return nil
}
