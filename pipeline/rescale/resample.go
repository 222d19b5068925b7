package rescale

import "math"

// plane is one 8-bit channel of a picture: sample (x, y), 0 ≤ x < w, 0 ≤ y < h,
// is pix[y*stride+x*step].
type plane struct {
	pix          []byte
	stride, step int
	w, h         int
}

// weightBits is the number of fraction bits of a kernel weight, and rowBits
// those that the samples between the two passes keep. A sample of 8 bits that
// overshoots by a quarter stays below 2^15 with rowBits, and 2^31 when summed.
const (
	weightBits = 14
	rowBits    = 6
)

// kernelSupport is the half width of catmullRom.
const kernelSupport = 2.0

// catmullRom is the cubic convolution kernel with a = −½.
func catmullRom(x float64) float64 {
	x = math.Abs(x)
	switch {
	case x < 1:
		return (1.5*x-2.5)*x*x + 1
	case x < 2:
		return ((-0.5*x+2.5)*x-4)*x + 2
	}
	return 0
}

// taps are the kernel weights of one axis: output i is the sum of
// weights[at[i]:at[i+1]] times the source samples from first[i] on.
type taps struct {
	from, to float64
	n, limit int
	first    []int
	at       []int
	weights  []int32
	scratch  []float64
}

// set computes the taps that resample the source interval [from, to), in
// samples, to n outputs. Kernels that reach outside 0…limit are cut there and
// renormalised. The weights of an output sum to exactly 1, so flat stays flat.
func (t *taps) set(from, to float64, n, limit int) {
	if t.from == from && t.to == to && t.n == n && t.limit == limit {
		return
	}
	t.from, t.to, t.n, t.limit = from, to, n, limit
	t.first, t.at, t.weights = t.first[:0], append(t.at[:0], 0), t.weights[:0]
	scale := (to - from) / float64(n)
	width := max(scale, 1)
	for i := range n {
		centre := from + (float64(i)+0.5)*scale
		lo := max(0, int(math.Floor(centre-kernelSupport*width)))
		hi := min(limit, int(math.Ceil(centre+kernelSupport*width)))
		t.scratch = t.scratch[:0]
		var sum float64
		for j := lo; j < hi; j++ {
			w := catmullRom((float64(j) + 0.5 - centre) / width)
			t.scratch = append(t.scratch, w)
			sum += w
		}
		// Rounding the running sum instead of each weight keeps the total exact
		// however many taps there are.
		var running float64
		var before int32
		first := len(t.weights)
		for _, w := range t.scratch {
			running += w
			now := int32(math.Round(running / sum * (1 << weightBits)))
			t.weights = append(t.weights, now-before)
			before = now
		}
		// Zeros at both ends come from rounding the interval outwards.
		for len(t.weights) > first+1 && t.weights[len(t.weights)-1] == 0 {
			t.weights = t.weights[:len(t.weights)-1]
		}
		for len(t.weights) > first+1 && t.weights[first] == 0 {
			t.weights = append(t.weights[:first], t.weights[first+1:]...)
			lo++
		}
		t.first = append(t.first, lo)
		t.at = append(t.at, len(t.weights))
	}
}

// bounds returns the interval of source samples that any output reads.
func (t *taps) bounds() (lo, hi int) {
	lo = t.limit
	for i, f := range t.first {
		lo, hi = min(lo, f), max(hi, f+t.at[i+1]-t.at[i])
	}
	return lo, hi
}

// resampler resamples planes; it keeps its scratch memory between calls.
type resampler struct {
	x, y taps
	line []byte  // one source row, gathered when step > 1
	rows []int16 // the rows after the horizontal pass, rowBits of fraction
	acc  []int32
}

// resample overwrites dst (n×n) with the window of p that starts at (x, y) and
// is w×h samples large, all in fractions of a sample of p.
func (r *resampler) resample(dst []byte, n int, p plane, x, y, w, h float64) {
	r.x.set(x, x+w, n, p.w)
	r.y.set(y, y+h, n, p.h)
	x0, x1 := r.x.bounds()
	y0, y1 := r.y.bounds()

	r.rows = grow(r.rows, (y1-y0)*n)
	for yy := y0; yy < y1; yy++ {
		var line []byte
		if row := p.pix[yy*p.stride:]; p.step == 1 {
			line = row[x0:x1]
		} else {
			r.line = grow(r.line, x1-x0)
			line = r.line
			for i := range line {
				line[i] = row[(x0+i)*p.step]
			}
		}
		r.x.horizontal(r.rows[(yy-y0)*n:][:n], line, x0)
	}
	r.acc = grow(r.acc, n)
	for i := range n {
		weights := r.y.weights[r.y.at[i]:r.y.at[i+1]]
		vertical(dst[i*n:][:n], r.acc, r.rows[(r.y.first[i]-y0)*n:], weights)
	}
}

// horizontal overwrites out with the weighted sums of line, whose first sample
// is number x0 of its row.
func (t *taps) horizontal(out []int16, line []byte, x0 int) {
	const shift = weightBits - rowBits
	for i := range out {
		weights := t.weights[t.at[i]:t.at[i+1]]
		samples := line[t.first[i]-x0:][:len(weights)]
		sum := int32(1 << (shift - 1))
		for k, w := range weights {
			sum += w * int32(samples[k])
		}
		out[i] = int16(sum >> shift)
	}
}

// vertical overwrites out with the sum over k of weights[k] times row k of rows
// (len(weights) × len(out)); acc is scratch as long as out.
func vertical(out []byte, acc []int32, rows []int16, weights []int32) {
	const shift = weightBits + rowBits
	for i := range acc {
		acc[i] = 1 << (shift - 1)
	}
	n := len(acc)
	for k := 0; k < len(weights); k++ {
		w := weights[k]
		for i, v := range rows[k*n:][:n] {
			acc[i] += w * int32(v)
		}
	}
	for i, s := range acc {
		out[i] = clamp(s >> shift)
	}
}

// clamp returns v limited to a byte.
func clamp(v int32) byte {
	if uint32(v) <= 255 {
		return byte(v)
	}
	return byte(^v >> 31) // 0 where v is negative, 255 where it is too large
}

// grow returns s with length n, reusing its memory where that is large enough.
// Its contents are undefined.
func grow[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
