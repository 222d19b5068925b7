package train

import (
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Processes that share a folder write its files one after the other.
func TestLockedTogether(t *testing.T) {
	dir := t.TempDir()
	var inside, crowds atomic.Int32
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			err := LockedTogether(t.Context(), dir, func() error {
				if inside.Add(1) > 1 {
					crowds.Add(1)
				}
				time.Sleep(time.Millisecond)
				inside.Add(-1)
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := crowds.Load(); n > 0 {
		t.Errorf("%d found another inside", n)
	}
	if err := LockedTogether(t.Context(), filepath.Join(dir, "none"), func() error { return nil }); err == nil {
		t.Error("no error for a missing folder")
	}
}
