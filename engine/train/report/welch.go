package report

import (
	"math"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

// welch is the half width of the 95 % confidence interval of the difference of
// the means of a and b, each of two values or more, whose variances may differ
// (Welch 1947, with the Satterthwaite degrees of freedom).
func welch(a, b []float64) float64 {
	va := stat.Variance(a, nil) / float64(len(a))
	vb := stat.Variance(b, nil) / float64(len(b))
	if va+vb == 0 {
		return 0
	}
	freedom := (va + vb) * (va + vb) / (va*va/float64(len(a)-1) + vb*vb/float64(len(b)-1))
	t := distuv.StudentsT{Sigma: 1, Nu: freedom}.Quantile(0.975)
	return t * math.Sqrt(va+vb)
}
