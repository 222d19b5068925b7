package bf16

import "math"

// Round rounds v to the nearest bfloat16, ties to even, as VCVTNEPS2BF16 does:
// denormals become 0, and a NaN stays a NaN.
func Round(v float32) uint16 {
	b := math.Float32bits(v)
	switch {
	case b&0x7f800000 == 0:
		return uint16(b>>16) & 0x8000
	case v != v:
		return uint16(b>>16) | 0x40
	}
	return uint16((b + 0x7fff + b>>16&1) >> 16)
}

// Float returns the float32 with upper half u.
func Float(u uint16) float32 { return math.Float32frombits(uint32(u) << 16) }

// factor returns u as a factor of products: denormals count as 0.
func factor(u uint16) float32 {
	if u&0x7f80 == 0 {
		u &= 0x8000
	}
	return Float(u)
}

// Split cuts a float32 into two halves. The upper half is the nearest bfloat16, ties
// away from 0. Join restores every bit, except for a NaN's payload.
func Split(v float32) (high, low uint16) {
	b := math.Float32bits(v)
	if v != v {
		b = b&0x80000000 | 0x7fc00000
	}
	return uint16((b + 0x8000) >> 16), uint16(b)
}

// Join joins the halves of Split.
func Join(high, low uint16) float32 {
	return math.Float32frombits(uint32(high)<<16 + uint32(int32(int16(low))))
}

func narrowGo(dst []uint16, src []float32) {
	dst = dst[:len(src)]
	for i, v := range src {
		dst[i] = Round(v)
	}
}

func widenGo(dst []float32, src []uint16) {
	dst = dst[:len(src)]
	for i, u := range src {
		dst[i] = Float(u)
	}
}
