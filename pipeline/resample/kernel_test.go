package resample

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
)

// Literal weights. Halved with the triangle: ¾ ¾ ¼, cut at the end, scaled to a
// sum of 1, so 3/7 3/7 1/7, in 1/2^16.
func TestTaps(t *testing.T) {
	for _, tc := range []struct {
		name    string
		filter  Filter
		in      interval
		first   []int32
		weights []int16
		n, bits int
	}{
		{"identity", CatmullRom, interval{0, 3, 3, 3}, []int32{0, 1, 1}, []int16{16384, 0, 16384, 0, 0, 16384}, 2, 14},
		{"identity of a part", Lanczos, interval{2, 2, 2, 5}, []int32{2, 3}, []int16{16384, 0, 16384, 0}, 2, 14},
		{"linear, doubled", Linear, interval{0, 2, 4, 2}, []int32{0, 0, 0, 0},
			[]int16{16384, 0, 12288, 4096, 4096, 12288, 0, 16384}, 2, 14},
		{"linear, halved", Linear, interval{0, 4, 2, 4}, []int32{0, 0},
			[]int16{28087, 28087, 9362, 0, 0, 9362, 28087, 28087}, 4, 16},
		{"one sample", CatmullRom, interval{0, 1, 2, 1}, []int32{0, 0}, []int16{16384, 0, 16384, 0}, 2, 14},
	} {
		var got taps
		got.set(tc.filter, tc.in, 2)
		if fmt.Sprint(got.first, got.weights, got.n, got.bits) != fmt.Sprint(tc.first, tc.weights, tc.n, tc.bits) {
			t.Errorf("%s: first %v, weights %v, n %d, bits %d; want %v, %v, %d, %d", tc.name,
				got.first, got.weights, got.n, got.bits, tc.first, tc.weights, tc.n, tc.bits)
		}
	}
}

// Weights of every output sum to one, and reach no further than they must.
func TestTapsSum(t *testing.T) {
	for _, f := range Filters {
		for _, in := range []interval{{0, 500, 256, 500}, {62.5, 375, 256, 500}, {0, 5000, 256, 5000}, {0, 1, 256, 1}, {0.3, 0.1, 7, 1}, {0, 1e5, 1, 1e5}} {
			for _, multiple := range []int{1, xMultiple, yMultiple} {
				var x taps
				x.set(f, in, multiple)
				for i := range in.outputs {
					sum := 0
					for _, w := range x.weights[i*x.n:][:x.n] {
						sum += int(w)
					}
					if sum != 1<<x.bits {
						t.Fatalf("%s %+v: weights of output %d sum to %d, want 2^%d", f.Name, in, i, sum, x.bits)
					}
				}
				if x.lo < 0 || x.hi > max(in.limit, x.n) {
					t.Errorf("%s %+v: reads %d to %d", f.Name, in, x.lo, x.hi)
				}
			}
		}
	}
}

// The kernels that this machine runs against the portable ones, with guards
// around what they may write.
func TestKernelsAgree(t *testing.T) {
	const guard = 0x5a
	r := rand.New(rand.NewPCG(3, 4))
	for _, f := range Filters {
		for _, in := range []interval{{0, 500, 256, 500}, {62, 375, 256, 500}, {0, 33, 5, 33}, {3, 2, 40, 9}, {0, 1, 1, 1}, {0, 2000, 31, 2000}} {
			var x taps
			x.set(f, in, xMultiple)
			line := make([]byte, 3*(x.hi-x.lo)+overread)
			for i := range line {
				line[i] = byte(r.Uint32() >> 24 & -(r.Uint32() & 1)) // half of them 0, to overshoot
			}
			n := 3*in.outputs + overwrite
			got, want := bytes.Repeat([]byte{guard}, n+8), make([]byte, n)
			horizontal(got[:n], line, &x)
			horizontalGo(want, line, &x)
			if !bytes.Equal(got[:n-overwrite], want[:n-overwrite]) {
				t.Errorf("%s %+v: horizontal and horizontalGo differ", f.Name, in)
			}
			if !bytes.Equal(got[n:], bytes.Repeat([]byte{guard}, 8)) {
				t.Errorf("%s %+v: horizontal writes beyond its end", f.Name, in)
			}
			out0, out1 := bytes.Repeat([]byte{guard}, n+7), bytes.Repeat([]byte{guard}, n+8)
			other, wantOther := bytes.Clone(line), make([]byte, n)
			r.Shuffle(len(other), func(i, j int) { other[i], other[j] = other[j], other[i] })
			horizontalGo(wantOther, other, &x)
			horizontalPair(out0[:n-overwrite], out1[:n], line, other, &x)
			if !bytes.Equal(out0[:n-overwrite], want[:n-overwrite]) || !bytes.Equal(out1[:n-overwrite], wantOther[:n-overwrite]) {
				t.Errorf("%s %+v: horizontalPair and horizontalGo differ", f.Name, in)
			}
			if !bytes.Equal(out0[n-overwrite:], bytes.Repeat([]byte{guard}, 8)) || !bytes.Equal(out1[n:], bytes.Repeat([]byte{guard}, 8)) {
				t.Errorf("%s %+v: horizontalPair writes beyond its end", f.Name, in)
			}
		}
		for _, columns := range []int{1, 3, 31, 32, 33, 63, 64, 100, 768} {
			var y taps
			y.set(f, interval{0, 47, 20, 47}, yMultiple)
			rows := make([]byte, 47*columns)
			for i := range rows {
				rows[i] = byte(r.Uint32() >> 24 & -(r.Uint32() & 1))
			}
			for i, first := range y.first {
				weights := y.weights[i*y.n:][:y.n]
				got, want := bytes.Repeat([]byte{guard}, columns+8), make([]byte, columns)
				new(Resizer).vertical(got[:columns], rows[int(first)*columns:], weights, y.bits)
				verticalGo(want, make([]int32, columns), rows[int(first)*columns:], columns, weights, y.bits)
				if !bytes.Equal(got[:columns], want) || !bytes.Equal(got[columns:], bytes.Repeat([]byte{guard}, 8)) {
					t.Fatalf("%s, %d columns, row %d: the vertical kernels differ", f.Name, columns, i)
				}
			}
		}
	}
}
