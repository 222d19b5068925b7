package cuda_test

import (
	"fmt"
	"sync"
)

// failer makes one call fail, counted over all calls that don't free something.
type failer struct {
	at int

	mu    sync.Mutex
	count int
	name  string
}

func (f *failer) ask(call string, _ int) error {
	if frees(call) {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	n := f.count
	f.count++
	if n != f.at {
		return nil
	}
	f.name = call
	return fmt.Errorf("refused by the test: %s", call)
}

func (f *failer) failed() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.name
}
