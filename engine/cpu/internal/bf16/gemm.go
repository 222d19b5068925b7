package bf16

import (
	"math"
	"unsafe"
)

// gemmGo computes groups in the order of VDPBF16PS: it adds the second product of each
// pair first, and replaces denormals by 0. The instruction rounds a product and its sum
// once. float64, rounded to float32, gives the same result: it has so many bits that its
// own rounding can't make a tie.
func gemmGo(p *Product) {
	columns := 16 * p.Vectors
	for _, g := range p.Groups {
		var sums [16][48]float32
		for _, s := range unsafe.Slice(p.Segments, p.Count) {
			for j := range p.Pairs {
				b := unsafe.Slice((*uint16)(unsafe.Add(p.B, s.B+j*p.LDB)), 2*columns)
				var first, second [48]float64
				for c := range columns {
					first[c], second[c] = float64(factor(b[2*c])), float64(factor(b[2*c+1]))
				}
				for r := range p.Height {
					a := unsafe.Slice((*uint16)(unsafe.Add(p.A, g.A+s.A+r*p.LDA+4*j)), 2)
					x, y := float64(factor(a[0])), float64(factor(a[1]))
					sum := sums[r][:columns]
					for c, v := range sum {
						v = flush(float32(float64(v) + y*second[c]))
						sum[c] = flush(float32(float64(v) + x*first[c]))
					}
				}
			}
		}
		for r := range p.Height {
			out := unsafe.Slice((*float32)(unsafe.Add(p.C, g.C+r*p.LDC)), columns)
			for c, v := range sums[r][:columns] {
				if p.Accumulate != 0 {
					v += out[c]
				}
				out[c] = v
			}
		}
	}
}

// flush replaces a denormal by 0.
func flush(v float32) float32 {
	if b := math.Float32bits(v); b&0x7f800000 == 0 {
		return math.Float32frombits(b & 0x80000000)
	}
	return v
}

// portableHeights are those of AVX-512, so that both sets cut tiles alike.
var portableHeights = [4][]int{1: {14, 13, 12, 8, 4, 1}, 2: {14, 13, 12, 8, 4, 1}, 3: {9, 8, 7, 4, 1}}
