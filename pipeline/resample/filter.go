package resample

import "math"

// Filter is a resampling kernel: symmetric, and zero from Support on. The zero
// Filter is none.
type Filter struct {
	Name    string
	Support float64 // half the width, in samples of the coarser grid
	Kernel  func(x float64) float64
}

var (
	// Linear is the triangle: PIL's BILINEAR, imaging's Linear. It doesn't ring, but blurs.
	Linear = Filter{"linear", 1, func(x float64) float64 {
		return max(0, 1-math.Abs(x))
	}}

	// CatmullRom is the cubic convolution kernel with a = −½ (Keys, 1981): PIL's
	// BICUBIC, imaging's CatmullRom.
	CatmullRom = Filter{"catmull-rom", 2, func(x float64) float64 {
		x = math.Abs(x)
		switch {
		case x < 1:
			return (1.5*x-2.5)*x*x + 1
		case x < 2:
			return ((2.5-0.5*x)*x-4)*x + 2
		}
		return 0
	}}

	// Lanczos is the windowed sinc with three lobes: PIL's and imaging's LANCZOS.
	Lanczos = Filter{"lanczos", 3, func(x float64) float64 {
		x = math.Abs(x)
		switch {
		case x == 0:
			return 1
		case x < 3:
			return 3 * math.Sin(math.Pi*x) * math.Sin(math.Pi*x/3) / (math.Pi * math.Pi * x * x)
		}
		return 0
	}}
)

// Filters are all filters, by increasing cost.
var Filters = []Filter{Linear, CatmullRom, Lanczos}
