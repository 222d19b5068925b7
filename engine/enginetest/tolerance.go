package enginetest

import (
	"fmt"
	"math"
)

// Tolerance describes a context's arithmetic by its unit roundoffs, the largest
// relative error of one rounding to nearest: 2⁻²⁴ for float32.
type Tolerance struct {
	// Store is the roundoff of a Working element in memory.
	Store float64
	// Accumulate is the roundoff of sums and of element-wise arithmetic.
	Accumulate float64
	// Factor is the roundoff to which a context may round the factors of a product
	// before matrix multiplication; 0 if it uses them unchanged.
	Factor float64
}

// Unit roundoffs of the formats that contexts use: 24, 11 and 8 bits of
// significand.
const (
	unitFP32 = 1.0 / (1 << 24)
	unitTF32 = 1.0 / (1 << 11)
	unitBF16 = 1.0 / (1 << 8)
)

var (
	// FP32 is float32 throughout.
	FP32 = Tolerance{Store: unitFP32, Accumulate: unitFP32}
	// TF32 stores float32, multiplies 11-bit factors, sums in float32.
	TF32 = Tolerance{Store: unitFP32, Accumulate: unitFP32, Factor: unitTF32}
	// BF16 stores and multiplies bfloat16, sums in float32.
	BF16 = Tolerance{Store: unitBF16, Accumulate: unitFP32, Factor: unitBF16}
)

// Bound returns the error allowed on an element with true value want, stored with the
// given roundoff:
//
//	Accumulate·min(r, 4√r)·Σ|terms| + Factor·narrow·Σ|terms| + store·|want|
//
// for r roundings. The sum's error is at most r roundoffs of Σ|terms| in any order of
// summation, and with probability 1 − 7·10⁻⁴ at most 4√r of them. Real kernels, which
// sum in blocks, stay far below. An element without any rounding must be exact.
func (t Tolerance) Bound(want Sum, store float64) float64 {
	r := float64(want.Roundings())
	if r == 0 {
		return 0
	}
	return (t.Accumulate*math.Min(r, 4*math.Sqrt(r))+t.Factor*float64(want.narrow))*want.Abs +
		store*math.Abs(want.Value)
}

// compare returns the error of got as a fraction of its bound, and an error if it exceeds
// 1. For a NaN got must be NaN, and for an infinity the same infinity.
func compare(got float64, want Sum, bound float64) (share float64, err error) {
	w := want.Value
	if got == w || math.IsNaN(w) && math.IsNaN(got) {
		return 0, nil
	}
	diff := math.Abs(got - w)
	if math.IsNaN(diff) || math.IsInf(diff, 0) || diff > bound {
		return math.Inf(1), fmt.Errorf("is %.9g, want %.9g ± %.2g", got, w, bound)
	}
	return diff / bound, nil
}
