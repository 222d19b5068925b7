package augment

import (
	"fmt"
	"math/big"
)

// Sums are the exact first and second moments of RGB bytes. They are integers, so they
// don't depend on the order or the number of workers. A uint64 has room for three
// thousand times the 1.28 million pictures of 256×256.
//
// The zero value is the sums of no pixels. Sums is not safe for concurrent use:
// each worker keeps its own and they are merged at the end.
type Sums struct {
	Pixels   uint64       `json:"pixels"`
	Sum      [3]uint64    `json:"sum"`      // Σ r, Σ g, Σ b
	Products [3][3]uint64 `json:"products"` // Σ cᵢ·cⱼ, symmetric
}

// One multiplication makes the three products r·(r,g,b): the channels are in lanes of
// laneBits bits, and lanePixels products of two bytes fit a lane (32·255² < 2²¹).
const (
	laneBits   = 21
	laneMask   = 1<<laneBits - 1
	lanePixels = 32
)

// Add counts the pixels of rgb, interleaved R, G, B bytes. It panics when the
// length is not a multiple of three.
func (s *Sums) Add(rgb []byte) {
	if len(rgb)%3 != 0 {
		panic(fmt.Sprintf("augment: Sums.Add: %d bytes are no whole number of RGB pixels", len(rgb)))
	}
	s.Pixels += uint64(len(rgb) / 3)
	rgb = rgb[s.addFast(rgb):]
	for len(rgb) >= 3*lanePixels {
		s.addBlock(rgb[:3*lanePixels])
		rgb = rgb[3*lanePixels:]
	}
	s.addBlock(rgb)
}

// addBlock adds at most lanePixels pixels to all sums but Pixels.
func (s *Sums) addBlock(rgb []byte) {
	var sum, red, green, blue uint64
	for i := 2; i < len(rgb); i += 3 {
		r, g, b := uint64(rgb[i-2]), uint64(rgb[i-1]), uint64(rgb[i])
		gb := g | b<<laneBits
		all := r | gb<<laneBits
		sum += all      // Σ r, Σ g, Σ b
		red += r * all  // Σ rr, Σ rg, Σ rb
		green += g * gb // Σ gg, Σ gb
		blue += b * b   // Σ bb
	}
	rg, rb := red>>laneBits&laneMask, red>>(2*laneBits)
	gb := green >> laneBits
	s.Sum[0] += sum & laneMask
	s.Sum[1] += sum >> laneBits & laneMask
	s.Sum[2] += sum >> (2 * laneBits)
	s.Products[0][0] += red & laneMask
	s.Products[0][1] += rg
	s.Products[1][0] += rg
	s.Products[0][2] += rb
	s.Products[2][0] += rb
	s.Products[1][1] += green & laneMask
	s.Products[1][2] += gb
	s.Products[2][1] += gb
	s.Products[2][2] += blue
}

// Merge adds the pixels that o has counted.
func (s *Sums) Merge(o Sums) {
	s.Pixels += o.Pixels
	for i := range s.Sum {
		s.Sum[i] += o.Sum[i]
		for j := range s.Products[i] {
			s.Products[i][j] += o.Products[i][j]
		}
	}
}

// Mean returns the mean of R, G and B in 0–255 units, correctly rounded; zero if no
// pixel has been counted.
func (s Sums) Mean() (mean [3]float64) {
	if s.Pixels == 0 {
		return mean
	}
	for i := range mean {
		mean[i] = quotient(wide(s.Sum[i]), wide(s.Pixels))
	}
	return mean
}

// Covariance returns the population covariance (divided by the number of pixels n, not
// n−1) of R, G and B in squared 0–255 units:
//
//	cov[i][j] = (n·Σcᵢcⱼ − Σcᵢ·Σcⱼ) / n²
//
// The numerator is computed in integers, so there is no cancellation and each element
// is correctly rounded. The result is zero if no pixel has been counted.
func (s Sums) Covariance() (cov [3][3]float64) {
	if s.Pixels == 0 {
		return cov
	}
	n := wide(s.Pixels)
	square := new(big.Int).Mul(n, n)
	for i := range cov {
		for j := range cov[i] {
			a := new(big.Int).Mul(n, wide(s.Products[i][j]))
			b := new(big.Int).Mul(wide(s.Sum[i]), wide(s.Sum[j]))
			cov[i][j] = quotient(a.Sub(a, b), square)
		}
	}
	return cov
}

func wide(x uint64) *big.Int { return new(big.Int).SetUint64(x) }

func quotient(a, b *big.Int) float64 {
	f, _ := new(big.Rat).SetFrac(a, b).Float64()
	return f
}
