package codec

// How a row's values are guessed from their neighbours W (left), N (above) and
// NW. Left of the first column, W and NW are N; above the first row, all are 0.
// A residual is the value minus the guess modulo 256. With each of the three,
// decoding is a running sum along the row, an addition of the row above, or
// both, which SIMD does well; predictors with a choice in every pixel save
// another 3 % of the bytes and can't be decoded at this speed.
const (
	predictLeft     = 0 // W
	predictUp       = 1 // N
	predictGradient = 2 // W + N − NW
)

// rowPredictor tries the predictors on a row. It keeps scratch memory.
type rowPredictor struct {
	left, up, gradient []byte
}

// row writes the residuals of the best predictor and returns which that is: the
// one whose residuals, taken as signed bytes, have the least sum of magnitudes.
// All three slices have the same length.
func (r *rowPredictor) row(residuals, row, above []byte) int {
	n := len(row)
	if len(r.left) != n {
		r.left, r.up, r.gradient = make([]byte, n), make([]byte, n), make([]byte, n)
	}
	left, up, gradient := r.left[:n], r.up[:n], r.gradient[:n]
	above = above[:n]
	var costLeft, costUp, costGradient int
	west, difference := above[0], byte(0) // difference is W − NW
	for i, v := range row {
		l, u := v-west, v-above[i]
		g := u - difference
		west, difference = v, u
		left[i], up[i], gradient[i] = l, u, g
		costLeft += magnitude(l)
		costUp += magnitude(u)
		costGradient += magnitude(g)
	}
	best, residual := predictGradient, gradient
	if costLeft < costGradient {
		best, residual, costGradient = predictLeft, left, costLeft
	}
	if costUp < costGradient {
		best, residual = predictUp, up
	}
	copy(residuals, residual)
	return best
}

// magnitude is |v| of a byte taken as signed.
func magnitude(v byte) int {
	m := int(int8(v))
	sign := m >> 8
	return (m ^ sign) - sign
}

// split writes RGB pixels as planes: G, R−G, B−G modulo 256.
func split(g, r, b, rgb []byte) {
	n := len(rgb) / 3
	g, r, b = g[:n], r[:n], b[:n]
	for i := range g {
		p := rgb[3*i:][:3]
		g[i], r[i], b[i] = p[1], p[0]-p[1], p[2]-p[1]
	}
}
