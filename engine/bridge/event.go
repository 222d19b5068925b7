package bridge

import (
	"errors"
	"fmt"

	"alexnet/engine"
)

// event counts the runs of its Signal op. Each awaiting context keeps its own count.
type event struct {
	owner *Context

	// Guarded by owner.mu.
	signals uint64
	awaited map[*Context]uint64
}

// NewEvent makes an event that this context's programs signal.
func (c *Context) NewEvent() engine.Event {
	return &event{owner: c, awaited: map[*Context]uint64{}}
}

// Owner returns the context that signals the event.
func (e *event) Owner() engine.Context { return e.owner }

// signal waits for the context, so that others may read what it has written and overwrite
// what it has read. Then it updates the host's copies.
func (e *event) signal() error {
	c := e.owner
	c.mu.Lock()
	var stale []*export
	for _, x := range c.exports {
		if x.stale {
			stale, x.stale = append(stale, x), false
		}
	}
	c.mu.Unlock()
	var err error
	for _, x := range stale {
		err = errors.Join(err, c.inner.Download(x.host, x.tensor))
	}
	if err := errors.Join(err, c.inner.Mark().Wait()); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	e.signals++
	c.changed.Broadcast()
	return nil
}

// await waits for the signal after the one that c waited for before.
func (e *event) await(c *Context) error {
	o := e.owner
	o.mu.Lock()
	defer o.mu.Unlock()
	k := e.awaited[c]
	for e.signals <= k {
		switch {
		case o == c:
			return errors.New("await: the context awaits its own event before it signals it")
		case o.failure != nil:
			return fmt.Errorf("it awaits %s, which has failed: %w", o.Name(), o.failure)
		}
		o.changed.Wait()
	}
	e.awaited[c] = k + 1
	return nil
}
