package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// TestWinograd filters a padded image with 3×3 weights through the three
// transforms and compares every pixel with the definition in float64; guards lie
// behind all that the kernels may write.
func TestWinograd(t *testing.T) {
	for _, set := range sets() {
		for _, rows := range []int{1, 2, 5} {
			for _, tiles := range []int{1, 2, 7, 8, 9, 16, 19} {
				for _, odd := range []int{0, 1} { // columns that the last tile lacks
					t.Run(fmt.Sprintf("%s/rows=%d/tiles=%d/odd=%d", set.Name, rows, tiles, odd), func(t *testing.T) {
						checkWinograd(t, set, rows, tiles, odd)
					})
				}
			}
		}
	}
}

func checkWinograd(t *testing.T, set Set, rows, tiles, odd int) {
	rng := rand.New(rand.NewPCG(uint64(rows), uint64(tiles)))
	width, height := 2*tiles+2, 2*rows+2
	image := random(rng, width*height)
	phase := tiles + 1
	x := make([]float32, 1+height*2*phase+8)
	for i, v := range image {
		x[1+i/width*2*phase+i%width%2*phase+i%width/2] = v
	}
	const maps = 3
	packed := random(rng, maps*9*MR+2)
	uPlane := maps*MR + 5
	u := guarded(16 * uPlane)
	set.WinogradWeights(&u[1], uPlane, &packed[0], maps)
	plane := rows*tiles + 8
	v := guarded(16*plane + 8)
	set.WinogradInput(&v[1], plane, &x[1], 2*phase, phase, rows, tiles)
	for e := range 16 {
		checkGuardsIn(t, u, 1+e*uPlane+maps*MR, 5)
		checkGuardsIn(t, v, 1+e*plane+rows*tiles+7, 1)
	}
	ld := 2*tiles - odd
	for row := range MR {
		const i = maps - 1
		m := make([]float32, 16*plane+8)
		for e := range 16 {
			for p := range rows * tiles {
				m[e*plane+p] = u[1+e*uPlane+i*MR+row] * v[1+e*plane+p]
			}
		}
		y := guarded(2*rows*ld + 16)
		set.WinogradOutput(&y[1], ld, &m[0], plane, rows, tiles)
		checkGuardsIn(t, y, 1+2*rows*ld+15, 1)
		for r := range 2 * rows {
			for c := range ld {
				var want, size float64
				for k := range 9 {
					term := float64(packed[(i*9+k)*MR+row]) * float64(image[(r+k/3)*width+c+k%3])
					want += term
				}
				// Each of the 16 products is at most 9/4 of the largest weight times
				// four of the largest pixel, and nine of them are added; 4+1+2+4
				// roundings lie on the way.
				for _, g := range packed {
					size = max(size, math.Abs(float64(g)))
				}
				size *= 9 * 9.0 / 4 * 4 * 4
				if got := float64(y[1+r*ld+c]); math.Abs(got-want) > 11*size/(1<<24) {
					t.Fatalf("pixel (%d, %d) of weights %d: %v, want %v", r, c, row, got, want)
				}
			}
		}
	}
}

// TestWinogradGradient sums the gradient of 3×3 weights over tiles, through the
// transforms and by definition: Σ d[a+r][b+c]·y[a][b].
func TestWinogradGradient(t *testing.T) {
	for _, set := range sets() {
		for _, tiles := range []int{1, 7, 8, 9, 19} {
			const rows = 2
			rng := rand.New(rand.NewPCG(9, uint64(tiles)))
			width, phase := 2*tiles+2, tiles+1
			x, dy := random(rng, (2*rows+2)*width+8), random(rng, 2*rows*width+8) // as two phases a row
			plane := rows*tiles + 8
			v, e := guarded(16*plane+8), guarded(16*plane+8)
			set.WinogradInput(&v[1], plane, &x[0], width, phase, rows, tiles)
			set.WinogradGradient(&e[1], plane, &dy[0], width, phase, rows, tiles)
			var u [16]float32
			for i := range u {
				checkGuardsIn(t, e, 1+i*plane+rows*tiles+7, 1)
				for tile := range rows * tiles {
					u[i] += v[1+i*plane+tile] * e[1+i*plane+tile]
				}
			}
			var got [9]float32
			WinogradWeightGradient(got[:], &u)
			at := func(x []float32, row, column int) float64 { return float64(x[row*width+column%2*phase+column/2]) }
			for i, g := range got {
				var want, size float64
				for p := range 2 * rows * 2 * tiles {
					y, x0 := p/(2*tiles), p%(2*tiles)
					want += at(dy, y, x0) * at(x, y+i/3, x0+i%3)
					size += 9 * 4 * 4 // of numbers below 4, with the transforms' ones
				}
				if math.Abs(float64(g)-want) > float64(rows*tiles+10)*size/(1<<24) {
					t.Errorf("%s, %d tiles a row: weight %d has the gradient %v, want %v", set.Name, tiles, i, g, want)
				}
			}
		}
	}
}

// checkGuardsIn looks for writes to n guards from at on.
func checkGuardsIn(t *testing.T, x []float32, at, n int) {
	t.Helper()
	for i, v := range x[at:][:n] {
		if v != guard {
			t.Fatalf("element %d became %v", at+i, v)
		}
	}
}

// TestWinogradTwins holds the assembly against the portable kernels bit for bit:
// both add in the same order.
func TestWinogradTwins(t *testing.T) {
	if Best().Name == Portable.Name {
		t.Skip("no assembly on this machine")
	}
	rng := rand.New(rand.NewPCG(5, 5))
	const rows, tiles, maps = 3, 11, 4
	x, m, g := random(rng, 600), random(rng, 16*41+8), random(rng, maps*9*MR+2)
	var got [2][4][]float32
	for i, set := range sets() {
		u, v, y := make([]float32, 16*maps*MR), make([]float32, 16*41+8), make([]float32, 2*rows*2*tiles+16)
		set.WinogradWeights(&u[0], maps*MR, &g[0], maps)
		set.WinogradInput(&v[0], 41, &x[0], 2*(tiles+1), tiles+1, rows, tiles)
		set.WinogradOutput(&y[0], 2*tiles, &m[0], 41, rows, tiles)
		d := make([]float32, 16*41+8)
		set.WinogradGradient(&d[0], 41, &x[0], 2*(tiles+1), tiles+1, rows, tiles)
		for e := range 16 { // what lies behind a plane's tiles is nobody's
			clear(v[e*41+rows*tiles : (e+1)*41])
			clear(d[e*41+rows*tiles : (e+1)*41])
		}
		clear(v[16*41:])
		clear(d[16*41:])
		got[i] = [4][]float32{u, v, y[:2*rows*2*tiles], d}
	}
	for k := range got[0] {
		for i, w := range got[0][k] {
			if got[1][k][i] != w {
				t.Fatalf("transform %d, element %d: %v, portable %v", k, i, got[1][k][i], w)
			}
		}
	}
}
