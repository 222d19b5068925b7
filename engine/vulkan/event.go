package vulkan

import (
	"errors"
	"sync"

	"alexnet/engine"
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

// event is an engine.Event. Its signals are positions on the owner's timeline; it keeps a
// few of them. A context that awaits the k-th signal waits on the host until it has been
// submitted, since contexts may share a queue of the device, which runs in order. Then it
// makes the device wait for the timeline. If the position has been overwritten meanwhile,
// it waits for a later signal. This is longer than needed, but always ends.
type event struct {
	owner *Context

	// Guarded by owner.events.mu.
	places  [4]uint64
	signals uint64
	awaited map[*Context]uint64
}

// NewEvent makes an event that this context's programs signal.
func (c *Context) NewEvent() engine.Event {
	return &event{owner: c, awaited: map[*Context]uint64{}}
}

// Owner returns the context that signals the event.
func (e *event) Owner() engine.Context { return e.owner }

// signal records what the owner has submitted so far.
func (e *event) signal() {
	all := &e.owner.events
	all.mu.Lock()
	defer all.mu.Unlock()
	e.places[e.signals%uint64(len(e.places))] = e.owner.submitted
	e.signals++
	all.changed.Broadcast()
}

// await holds c's next submission until the signal after the one that it awaited
// before.
func (e *event) await(c *Context) error {
	if err := c.use(e.owner); err != nil {
		return err
	}
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
	if at := e.places[k%uint64(len(e.places))]; at > 0 {
		c.submission.Await(e.owner.own.timeline, at)
	}
	return nil
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
