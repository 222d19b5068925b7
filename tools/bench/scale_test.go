package main

import (
	"math"
	"testing"
)

// What the model says that a rank sends in a step on two ranks is what
// `mpirun -n 2 train-alexnet bench` counts.
func TestClusterBytes(t *testing.T) {
	for _, w := range []struct {
		hybrid  bool
		batch   int // of a rank
		counted float64
	}{{false, 32, 243.9e6}, {true, 32, 29.7e6}, {true, 64, 33.6e6}} {
		c := cluster{hybrid: w.hybrid, batch: w.batch, gradient: 4, value: 4}
		if got := c.sumBytes(2) + c.exchangeBytes(2); math.Abs(got-w.counted) > .1e6 {
			t.Errorf("%+v: %g bytes, counted %g", c, got, w.counted)
		}
	}
}

// A step of 10 s of which 5 s may hide the gradients: on two ranks 60,954,656
// bytes, here at a tenth of them a second, and on four half as many again.
func TestClusterStep(t *testing.T) {
	c := cluster{rate: 10, batch: 100, gradient: 1, value: 1, link: alexnetParameters / 10., backward: .5}
	check := func(n int, total, waiting float64) {
		t.Helper()
		gotTotal, gotWaiting := c.step(n)
		if math.Abs(gotTotal-total) > 1e-9 || math.Abs(gotWaiting-waiting) > 1e-9 {
			t.Errorf("%+v, %d ranks: %v s, waiting %v, want %v and %v", c, n, gotTotal, gotWaiting, total, waiting)
		}
	}
	check(1, 10, 0)
	check(2, 15, 5)
	check(4, 20, 10)
	c.link, c.latency, c.sums = 1e30, 0.1, 10 // latency alone: 2·3·10·0.1 = 6 s
	check(4, 11, 1)
	c.hybrid = true // and 6·3 messages that nothing hides
	check(4, 12.8, 2.8)
}
