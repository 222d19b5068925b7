package main

import (
	"math"
	"testing"
)

// A step of 1 s of which gradients of 90 bytes at 100 bytes/s may hide 0.5 s:
// two ranks move 90 bytes each way and back, four 135.
func TestClusterStep(t *testing.T) {
	c := cluster{rate: 100, batch: 100, bytes: 90, link: 100, backward: 0.5}
	for _, w := range []struct {
		n              int
		total, waiting float64
	}{{1, 1, 0}, {2, 1.4, 0.4}, {4, 1.85, 0.85}} {
		total, waiting := c.step(w.n)
		if math.Abs(total-w.total) > 1e-9 || math.Abs(waiting-w.waiting) > 1e-9 {
			t.Errorf("%d ranks: %v s, waiting %v, want %v and %v", w.n, total, waiting, w.total, w.waiting)
		}
	}
	c.link, c.latency, c.messages = 1e12, 0.01, 10 // latency alone: 2·3·10·0.01 = 0.6 s
	if _, waiting := c.step(4); math.Abs(waiting-0.1) > 1e-9 {
		t.Errorf("waiting %v, want 0.1", waiting)
	}
}
