package cuda

import (
	"errors"
	"sync"

	"alexnet/engine"
	"alexnet/engine/cuda/internal/gpu"
)

// events is the common state of a context's events: one lock, and whether the context can
// still signal.
type events struct {
	mu      sync.Mutex
	changed sync.Cond
	lost    bool
}

func (e *events) start() { e.changed.L = &e.mu }

// lose wakes the contexts that wait for signals that will not come.
func (e *events) lose() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.lost = true
	e.changed.Broadcast()
}

// event is an engine.Event. Its signals are recorded in turn in a few events of the
// device. A context that awaits the k-th signal waits on the host until the signal is
// enqueued, and then makes its stream wait for the device's event. If that event has been
// recorded again meanwhile, the stream waits for the later signal. This is longer than
// needed, but always ends, since all work before the later signal is enqueued as well.
type event struct {
	owner *Context

	// Guarded by owner.events.mu.
	recorded [4]gpu.Event
	signals  uint64
	awaited  map[*Context]uint64
}

// NewEvent makes an event that this context's programs signal.
func (c *Context) NewEvent() engine.Event {
	return &event{owner: c, awaited: map[*Context]uint64{}}
}

// Owner returns the context that signals the event.
func (e *event) Owner() engine.Context { return e.owner }

// make makes the device's events, once, on the owner's thread.
func (e *event) make() (err error) {
	if e.recorded[0] != nil {
		return nil
	}
	for i := range e.recorded {
		if e.recorded[i], err = e.owner.family.newEvent(e.owner); err != nil {
			return err
		}
	}
	return nil
}

// signal records the next signal after what the owner has enqueued so far.
func (e *event) signal() error {
	all := &e.owner.events
	all.mu.Lock()
	defer all.mu.Unlock()
	if err := e.owner.compute.Record(e.recorded[e.signals%uint64(len(e.recorded))]); err != nil {
		return err
	}
	e.signals++
	all.changed.Broadcast()
	return nil
}

// await holds c's stream until the signal after the one that it awaited before.
func (e *event) await(c *Context) error {
	all := &e.owner.events
	all.mu.Lock()
	defer all.mu.Unlock()
	k := e.awaited[c]
	for e.signals <= k {
		if e.owner == c {
			return errors.New("await: the context awaits its own event before it signals it")
		}
		if all.lost {
			return &peerError{e.owner.name, e.owner.err()}
		}
		all.changed.Wait()
	}
	e.awaited[c] = k + 1
	return c.compute.Wait(e.recorded[k%uint64(len(e.recorded))])
}

// peerError is the failure of a context that this one awaits.
type peerError struct {
	name string
	err  error
}

func (e *peerError) Error() string {
	return "it awaits " + e.name + ", which has failed: " + e.err.Error()
}

// Unwrap returns the peer's failure.
func (e *peerError) Unwrap() error { return e.err }
