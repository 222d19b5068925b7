package infer

import (
	"testing"
	"time"
)

// A file that takes long is named again and again until it is done.
func TestWatchSlow(t *testing.T) {
	told := make(chan string, 100)
	stop := watchSlow("slow.jpg", time.Millisecond, func(name string, _ time.Duration) { told <- name })
	for range 2 {
		if name := <-told; name != "slow.jpg" {
			t.Errorf("named %s", name)
		}
	}
	stop()
	n := len(told)
	time.Sleep(10 * time.Millisecond)
	if len(told) != n {
		t.Error("named after it was done")
	}
}
