package cpu

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// TestRateBesideLoad measures threads that another job interrupts half of the time, each at
// other times: the rate is that of the undisturbed ones, and no more.
func TestRateBesideLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const threads, took = 2, 10 * time.Microsecond
		var first atomic.Int64
		got := rate(threads, time.Second/2, func() func() int {
			n := first.Add(500)
			return func() int {
				if n++; n%1000 == 0 { // after 10 ms
					time.Sleep(10 * time.Millisecond)
				}
				time.Sleep(took)
				return 300
			}
		})
		want := threads * 300 / took.Seconds()
		if got > 1.001*want || got < 0.98*want {
			t.Errorf("%.0f a second, want %.0f", got, want)
		}
	})
}
