package augment

import (
	"math"
	"math/bits"
)

// golden is 2⁶⁴ divided by the golden ratio, SplitMix64's increment.
const golden = 0x9e3779b97f4a7c15

// streamDomain keeps the streams apart from other uses of the same seed.
const streamDomain = 0x6175676d656e7431 // "augment1"

// mix64 is SplitMix64's finaliser, a bijection of 64 bits.
func mix64(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// Stream is a stream of random numbers: SplitMix64 (Steele, Lea, Flood 2014)
// started at a key that is mixed from seed, epoch and sample. Its numbers are
// the same on every machine, bit for bit, the normal ones included. It is a
// small value to be kept on the stack; it is not safe for concurrent use.
type Stream struct{ state uint64 }

// NewStream returns the stream of one sample's presentation in one epoch.
func NewStream(seed, epoch, sample uint64) Stream {
	key := mix64(seed + streamDomain)
	key = mix64((key ^ epoch) + golden)
	key = mix64((key ^ sample) + golden)
	return Stream{key}
}

// Uint64 draws 64 random bits.
func (s *Stream) Uint64() uint64 {
	s.state += golden
	return mix64(s.state)
}

// IntN draws from 0 … n−1, each with exactly the same probability (Lemire's
// multiplication with rejection, 2019). It panics when n < 1.
func (s *Stream) IntN(n int) int {
	if n < 1 {
		panic("augment: Stream.IntN of a number below 1")
	}
	bound := uint64(n)
	hi, lo := bits.Mul64(s.Uint64(), bound)
	if lo < bound {
		for reject := -bound % bound; lo < reject; {
			hi, lo = bits.Mul64(s.Uint64(), bound)
		}
	}
	return int(hi)
}

// Float64 draws from [0, 1), a multiple of 2⁻⁵³.
func (s *Stream) Float64() float64 { return float64(s.Uint64()>>11) * 0x1p-53 }

// Norm draws from the standard normal distribution by Marsaglia's polar method. It
// takes pairs of numbers from the stream until one lies inside the unit circle. It
// doesn't use the method's second normal number, so a stream's only state is its
// position.
func (s *Stream) Norm() float64 {
	for {
		x, y := 2*s.Float64()-1, 2*s.Float64()-1
		r := float64(x*x) + float64(y*y)
		if r < 1 && r > 0 {
			return x * math.Sqrt(-2*portableLog(r)/r)
		}
	}
}

// portableLog is the natural logarithm of a positive normal number, within two
// units in the last place. math.Log has assembly on some machines and fused
// multiply-adds on others; here the conversions to float64 forbid fusing, so
// that the result is the same everywhere.
//
// With x = m·2ᵏ, √½ ≤ m < √2 and f = (m−1)/(m+1):
// log x = k·log 2 + 2·(f + f³/3 + f⁵/5 + …).
func portableLog(x float64) float64 {
	m, k := math.Frexp(x)
	if m < math.Sqrt2/2 {
		m, k = 2*m, k-1
	}
	f := (m - 1) / (m + 1)
	f2 := float64(f * f)
	series := 0.0
	for n := 21; n >= 3; n -= 2 { // f²² < 2⁻⁵⁵: later terms don't count
		series = float64(series*f2) + 1/float64(n)
	}
	series = float64(series * f2)
	return float64(float64(k)*math.Ln2) + (2*f + float64(2*f*series))
}
