package serve

import (
	"context"
	"sync"
)

// budget is memory that requests share. A request that fits goes first, so that a
// waiting large request does not hold up smaller ones.
type budget struct {
	size int64 // bytes

	mu      sync.Mutex
	used    int64
	changed chan struct{} // closed when some is given back
}

func newBudget(size int64) *budget { return &budget{size: size, changed: make(chan struct{})} }

// try takes n bytes if they are free. If not, changed is closed when it is time to
// try again.
func (b *budget) try(n int64) (ok bool, changed <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if n > b.size-b.used {
		return false, b.changed
	}
	b.used += n
	return true, nil
}

// take takes n bytes, at most size, as soon as they are free. Its error is ctx's.
func (b *budget) take(ctx context.Context, n int64) error {
	for {
		ok, changed := b.try(n)
		if ok {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// give returns n bytes.
func (b *budget) give(n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.used -= n
	close(b.changed)
	b.changed = make(chan struct{})
}

// inUse returns the number of bytes taken.
func (b *budget) inUse() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.used
}
