package resample

import (
	"math"
	"slices"
)

// maxBits bounds the fraction bits of a weight: a sum of 255 times the weights, of which
// negative ones are less than half, must fit 32 bits.
const maxBits = 21

// taps are the weights of one axis. Output i is the sum of
// weights[i*n:(i+1)*n] times the samples from first[i] on, divided by 2^bits.
type taps struct {
	n       int // weights of an output, a multiple of the kernel's step
	bits    int
	first   []int32
	weights []int16
	lo, hi  int // outputs read samples lo to hi−1; hi may lie beyond the limit

	float []float64 // scratch
}

// interval is a part of a row or column of limit samples. It is resampled to outputs
// samples.
type interval struct {
	from, size     float64
	outputs, limit int
}

// set computes the taps of an interval. Their number is a multiple of multiple.
func (t *taps) set(f Filter, in interval, multiple int) {
	scale := in.size / float64(in.outputs)
	stretch := max(scale, 1)
	reach := f.Support * stretch

	// First the exact weights, with space for the largest number.
	most := 2*int(math.Ceil(reach)) + 1
	t.float = grow(t.float, in.outputs*most)
	t.first = grow(t.first, in.outputs)
	t.n = 0
	largest := 0.0
	for i := range in.outputs {
		centre := in.from + (float64(i)+0.5)*scale - 0.5 // in sample numbers
		first := max(0, int(math.Ceil(centre-reach)))
		last := min(in.limit-1, int(math.Floor(centre+reach)))
		weights, sum := t.float[i*most:][:most], 0.0
		clear(weights)
		for j := first; j <= last; j++ {
			w := f.Kernel((float64(j) - centre) / stretch)
			if math.Abs(w) < 1e-9 { // a zero of the kernel, except for rounding
				w = 0
			}
			weights[j-first] = w
			sum += w
		}
		for k := range weights {
			weights[k] /= sum
		}
		first += trim(weights)
		t.first[i] = int32(first)
		for n := most; n > t.n; n-- {
			if weights[n-1] != 0 {
				t.n = n
			}
		}
		largest = max(largest, slices.Max(weights))
	}

	t.n = (t.n + multiple - 1) / multiple * multiple
	t.bits = min(maxBits, int(math.Floor(math.Log2((math.MaxInt16-1)/largest))))
	t.weights = grow(t.weights, in.outputs*t.n)
	t.lo, t.hi = in.limit, 0
	for i := range in.outputs {
		// Move padded taps back from the end, so that they exceed only an axis shorter than n.
		first := int(t.first[i])
		back := min(first, max(0, first+t.n-in.limit))
		first -= back
		t.first[i] = int32(first)
		t.lo, t.hi = min(t.lo, first), max(t.hi, first+t.n)
		weights := t.weights[i*t.n:][:t.n]
		clear(weights)
		t.round(weights[back:], t.float[i*most:][:most])
	}
}

// trim removes leading zeros of weights, and returns their number.
func trim(weights []float64) int {
	zeros := 0
	for weights[zeros] == 0 {
		zeros++
	}
	copy(weights, weights[zeros:])
	clear(weights[len(weights)-zeros:])
	return zeros
}

// round writes exact as fixed-point numbers. It rounds the running sum instead of each
// weight, so their sum is exactly 2^bits, and flat areas stay flat.
func (t *taps) round(weights []int16, exact []float64) {
	unit := float64(int(1) << t.bits)
	sum, before := 0.0, 0.0
	for k := range min(len(weights), len(exact)) {
		sum += exact[k] * unit
		now := math.Round(sum)
		weights[k] = int16(now - before)
		before = now
	}
}

// grow returns s with length n. It reuses s's memory if it is large enough. The contents
// are undefined.
func grow[T any](s []T, n int) []T {
	return slices.Grow(s[:0], n)[:n]
}
