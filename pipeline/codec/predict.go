package codec

// Predictors guess a value from its neighbours W (left), N (above) and NW. In the first
// column, W and NW are N; in the first row, N and NW are 0. A residual is the value minus
// the guess modulo 256. For each predictor, decoding a row is a running sum, an addition
// of the row above, or both, which SIMD does well. The median predictor of LOCO-I, chosen
// for every pixel, would save another 2 % of the bytes, but its decoding is one long
// dependency chain.
const (
	predictLeft     = 0 // W
	predictUp       = 1 // N
	predictGradient = 2 // W + N − NW
)

// rowPredictor tries the predictors on a row. It keeps scratch memory.
type rowPredictor struct {
	left, up, gradient []byte
	row1, above1       []byte // with the values of W and NW for the first column before it
}

// row writes the residuals of the best predictor and returns the predictor. The best one
// has the smallest sum of magnitudes, with residuals taken as signed bytes. All three
// slices have the same length.
func (r *rowPredictor) row(residuals, row, above []byte) int {
	n := len(row)
	if len(r.left) != n {
		r.left, r.up, r.gradient = make([]byte, n), make([]byte, n), make([]byte, n)
		r.row1, r.above1 = make([]byte, n+1), make([]byte, n+1)
	}
	left, up, gradient := r.left, r.up, r.gradient
	r.row1[0], r.above1[0] = above[0], above[0]
	copy(r.row1[1:], row)
	copy(r.above1[1:], above)
	costs := residuals3(left, up, gradient, r.row1, r.above1)
	best, residual := predictGradient, gradient
	if costs[predictLeft] < costs[best] {
		best, residual = predictLeft, left
	}
	if costs[predictUp] < costs[best] {
		best, residual = predictUp, up
	}
	copy(residuals, residual)
	return best
}

// residuals3Go writes the residuals of the three predictors and returns their
// sums of magnitudes, by predictor: with i from 0, the values are row[i+1], W
// row[i], N above[i+1] and NW above[i]. row and above are one longer than the
// others.
func residuals3Go(left, up, gradient, row, above []byte) (costs [3]int) {
	n := len(left)
	up, gradient, row, above = up[:n], gradient[:n], row[:n+1], above[:n+1]
	difference := row[0] - above[0] // W − NW
	for i := range left {
		v := row[i+1]
		l, u := v-row[i], v-above[i+1]
		g := u - difference
		difference = u
		left[i], up[i], gradient[i] = l, u, g
		costs[predictLeft] += magnitude(l)
		costs[predictUp] += magnitude(u)
		costs[predictGradient] += magnitude(g)
	}
	return costs
}

// magnitude returns |v| of a byte taken as signed.
func magnitude(v byte) int {
	m := int(int8(v))
	sign := m >> 8
	return (m ^ sign) - sign
}

// splitGo writes RGB pixels as planes: G, R−G, B−G modulo 256.
func splitGo(g, r, b, rgb []byte) {
	n := len(rgb) / 3
	g, r, b = g[:n], r[:n], b[:n]
	for i := range g {
		p := rgb[3*i:][:3]
		g[i], r[i], b[i] = p[1], p[0]-p[1], p[2]-p[1]
	}
}
