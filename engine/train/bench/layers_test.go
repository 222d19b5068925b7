package bench

import (
	"math"
	"testing"
	"time"

	"alexnet/engine"
)

// TestRoofline adds up an op that computes and one that copies.
func TestRoofline(t *testing.T) {
	ops := []engine.OpTime{
		{FLOP: 2e12, Bytes: 1e9, Time: time.Second},  // 2 s at 1 TFLOP/s, 1 s at 1 GB/s
		{FLOP: 5e11, Bytes: 15e8, Time: time.Second}, // 0.5 s and 1.5 s
	}
	if got := roofline(ops, 1e12, 1e9); math.Abs(got-3.5) > 1e-9 {
		t.Errorf("%v seconds, want 3.5", got)
	}
}
