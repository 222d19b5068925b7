package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// TestLRN compares the three kernels with the formulas in float64.
func TestLRN(t *testing.T) {
	const k, alpha, factor = 2, 0.3, 0.7
	for _, set := range Usable() {
		for _, n := range []int{1, 7, 8, 9, 15, 16, 17, 24, 29, 40} {
			for _, rows := range []int{1, 3, 5} {
				t.Run(fmt.Sprintf("%s/n=%d/rows=%d", set.Name, n, rows), func(t *testing.T) {
					rng := rand.New(rand.NewPCG(uint64(n), uint64(rows)))
					w := Neighbours{X: random(rng, rows*(n+3)), Rows: rows, Stride: n + 3}
					x, y, dy := random(rng, n+1)[1:], random(rng, n+1)[1:], random(rng, n+1)[1:]
					out, ratio, direct, dx := guarded(n), guarded(n), guarded(n), guarded(n)
					set.LRNForward(w, x, out[1:][:n], k, alpha)
					set.LRNTerms(w, x, dy, ratio[1:][:n], direct[1:][:n], k, alpha)
					set.LRNCombine(w, y, x, dx[1:][:n], factor)
					for i := range n {
						s, sum, size := float64(k), 0.0, 0.0
						for r := range rows {
							v := float64(w.X[r*w.Stride+i])
							s += alpha * v * v
							sum += v
							size += math.Abs(v)
						}
						X, Y, DY := float64(x[i]), float64(y[i]), float64(dy[i])
						check := func(name string, got float32, want, size float64) {
							if !near(got, want, size+math.Abs(want)) {
								t.Errorf("%s[%d] = %v, want %v", name, i, got, want)
							}
						}
						check("forward", out[1+i], X*math.Pow(s, -.75), 0)
						check("ratio", ratio[1+i], DY*math.Pow(s, -.75)*X/s, 0)
						check("direct", direct[1+i], DY*math.Pow(s, -.75), 0)
						check("combine", dx[1+i], Y-factor*X*sum, math.Abs(Y)+math.Abs(X)*size)
					}
					for _, g := range [][]float32{out, ratio, direct, dx} {
						checkGuards(t, g, 1, n)
					}
				})
			}
		}
	}
}

// TestLRNInfinity lets an infinity in the window bring its neighbours to 0 and
// itself to NaN, as the formula does.
func TestLRNInfinity(t *testing.T) {
	for _, set := range Usable() {
		w := Neighbours{X: make([]float32, 16), Rows: 1, Stride: 16}
		x, y := make([]float32, 16), make([]float32, 16)
		for i := range x {
			w.X[i], x[i] = inf, 1
		}
		x[3], x[9] = inf, nan
		set.LRNForward(w, x, y, 2, 1)
		for i, v := range y {
			if bad := i == 3 || i == 9; bad != (v != v) || !bad && v != 0 {
				t.Errorf("%s: y[%d] = %v of x = %v", set.Name, i, v, x[i])
			}
		}
	}
}
