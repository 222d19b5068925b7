package printable

import (
	"math"
	"strconv"
)

// Fixed writes a number with so many digits behind the point, or a short form such as
// 1e+308 if it is a million or more.
func Fixed(v float64, digits int) string {
	if math.Abs(v) >= 1e6 {
		return strconv.FormatFloat(v, 'g', 4, 64)
	}
	return strconv.FormatFloat(v, 'f', digits, 64)
}
