package cpu

import (
	"sync"

	"alexnet/engine"
)

// event counts the runs of its Signal op. Each awaiting context keeps its own count.
type event struct {
	owner *Context

	mu      sync.Mutex
	changed sync.Cond
	signals uint64
	awaited map[*Context]uint64
}

// NewEvent makes an event that this context's programs signal.
func (c *Context) NewEvent() engine.Event {
	e := &event{owner: c, awaited: map[*Context]uint64{}}
	e.changed.L = &e.mu
	return e
}

// Owner returns the context that signals the event.
func (e *event) Owner() engine.Context { return e.owner }

func (e *event) signal() {
	e.mu.Lock()
	e.signals++
	e.mu.Unlock()
	e.changed.Broadcast()
}

// await waits for the signal after the one that c waited for last.
func (e *event) await(c *Context) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.awaited[c]++
	for target := e.awaited[c]; e.signals < target; {
		e.changed.Wait()
	}
}
