package kernel

import "math"

// Neighbours are the rows that local response normalisation adds up: Rows rows
// of X, Stride apart.
type Neighbours struct {
	X            []float32
	Rows, Stride int
}

// Squares returns the sum of the squares of the rows' values at i.
func (w Neighbours) Squares(i int) (sum float32) {
	for r := range w.Rows {
		v := w.X[r*w.Stride+i]
		sum += v * v
	}
	return sum
}

// threeQuarters returns s^¾.
func threeQuarters(s float32) float32 {
	half := math.Sqrt(float64(s))
	return float32(half * math.Sqrt(half))
}

func lrnForwardGo(w Neighbours, x, y []float32, k, alpha float32) {
	y = y[:len(x)]
	for i, v := range x {
		y[i] = v / threeQuarters(k+alpha*w.Squares(i))
	}
}

func lrnTermsGo(w Neighbours, x, dy, ratio, direct []float32, k, alpha float32) {
	dy, ratio, direct = dy[:len(x)], ratio[:len(x)], direct[:len(x)]
	for i, v := range x {
		s := k + alpha*w.Squares(i)
		g := dy[i] / threeQuarters(s)
		ratio[i], direct[i] = g*v/s, g
	}
}

func lrnCombineGo(w Neighbours, direct, x, dx []float32, factor float32) {
	direct, dx = direct[:len(x)], dx[:len(x)]
	for i, v := range x {
		var sum float32
		for r := range w.Rows {
			sum += w.X[r*w.Stride+i]
		}
		dx[i] = direct[i] - factor*v*sum
	}
}
