package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// filters are the matrices, as the sets list their filters.
var filters = []*matrices{&filter3, &filter5, &filter4x3, &filter4x5}

// roundings is how many roundings lie on the way of a term through Σ m[i]·x[i]:
// the sums', and for coefficients that are no powers of two the product's, and
// that of a coefficient which is no float32.
func roundings(m [][]float32) (most int) {
	for _, row := range m {
		n := -1
		inexact := 0
		for _, c := range row {
			if c != 0 {
				n++
			}
			if fraction, _ := math.Frexp(float64(c)); c != 0 && math.Abs(fraction) != .5 {
				inexact = max(inexact, 1)
				if math.Float32bits(c)&0xff != 0 {
					inexact = 2
				}
			}
		}
		most = max(most, n+inexact)
	}
	return most
}

// absolute is |m|·x·|m|ᵀ of a square x.
func absolute(m [][]float32, x [][]float64) [][]float64 {
	y := make([][]float64, len(m))
	for r := range y {
		y[r] = make([]float64, len(m))
		for c := range y[r] {
			for i := range x {
				for j := range x {
					y[r][c] += math.Abs(float64(m[r][i]*m[c][j])) * x[i][j]
				}
			}
		}
	}
	return y
}

// square is an n×n matrix.
func square(n int, f func(r, c int) float64) [][]float64 {
	x := make([][]float64, n)
	for r := range x {
		for c := range n {
			x[r] = append(x[r], math.Abs(f(r, c)))
		}
	}
	return x
}

// TestWinograd filters a padded image through the three transforms and compares
// every pixel with the definition in float64; guards lie behind all that the
// kernels may write.
func TestWinograd(t *testing.T) {
	for _, set := range Usable() {
		for i, f := range set.Winograd {
			for _, rows := range []int{1, 3} {
				for _, tiles := range []int{1, 2, 7, 8, 9, 16, 17, 19} {
					for odd := range f.Out { // columns that the last tile lacks
						t.Run(fmt.Sprintf("%s/F(%d,%d)/rows=%d/tiles=%d/odd=%d", set.Name, f.Out, f.Size, rows, tiles, odd), func(t *testing.T) {
							checkWinograd(t, set, f, filters[i], rows, tiles, odd)
						})
					}
				}
			}
		}
	}
}

func checkWinograd(t *testing.T, set *Set, f Filter, m *matrices, rows, tiles, odd int) {
	rng := rand.New(rand.NewPCG(uint64(rows), uint64(tiles)))
	size, out, side, MR, more := f.Size, f.Out, f.Side(), set.MR, set.Lanes // floats that may be written beyond, and a guard
	width, height := out*tiles+size-1, out*rows+size-1
	image := random(rng, width*height)
	phase := (width + out - 1) / out
	x := make([]float32, 1+height*out*phase+more)
	for i, v := range image {
		x[1+i/width*out*phase+i%width%out*phase+i%width/out] = v
	}
	const maps = 3
	packed := random(rng, maps*size*size*MR+more)
	uPlane := maps*MR + 5
	u := guarded(side * side * uPlane)
	f.Weights(&u[1], uPlane, &packed[0], maps)
	plane := rows*tiles + more
	v := guarded(side*side*plane + more)
	f.Input(&v[1], plane, &x[1], out*phase, phase, rows, tiles)
	for e := range side * side {
		checkGuardsIn(t, u, 1+e*uPlane+maps*MR, 5)
		checkGuardsIn(t, v, 1+e*plane+rows*tiles+more-1, 1)
	}
	ld := out*tiles - odd
	steps := 2*roundings(m.g) + 2*roundings(m.bt) + 1 + 2*roundings(m.at)
	for row := range MR {
		const i = maps - 1
		weight := func(k int) float64 { return float64(packed[(i*size*size+k)*MR+row]) }
		transformed := absolute(m.g, square(size, func(r, c int) float64 { return weight(r*size + c) }))
		products := make([]float32, side*side*plane+more)
		for e := range side * side {
			for p := range rows * tiles {
				products[e*plane+p] = u[1+e*uPlane+i*MR+row] * v[1+e*plane+p]
			}
		}
		y := guarded(out*rows*ld + out*more)
		f.Output(&y[1], ld, &products[0], plane, rows, tiles)
		checkGuardsIn(t, y, 1+out*rows*ld+out*more-1, 1)
		for r := range out * rows {
			for c := range ld {
				var want float64
				for k := range size * size {
					want += weight(k) * float64(image[(r+k/size)*width+c+k%size])
				}
				// Every term of the tile takes that many roundings.
				terms := absolute(m.bt, square(side, func(i, j int) float64 { return float64(image[(r/out*out+i)*width+c/out*out+j]) }))
				for i := range terms {
					for j := range terms {
						terms[i][j] *= transformed[i][j]
					}
				}
				bound := absolute(m.at, terms)[r%out][c%out] * float64(steps) / (1 << 24)
				if got := float64(y[1+r*ld+c]); math.Abs(got-want) > bound {
					t.Fatalf("pixel (%d, %d) of weights %d: %v, want %v within %g", r, c, row, got, want, bound)
				}
			}
		}
	}
}

// TestWinogradGradient sums the gradient of the weights over tiles, through the
// transforms and by definition: Σ d[a+r][b+c]·y[a][b].
func TestWinogradGradient(t *testing.T) {
	for _, set := range Usable() {
		for i, f := range set.Winograd {
			for _, tiles := range []int{1, 7, 8, 9, 15, 16, 17, 19, 35} {
				t.Run(fmt.Sprintf("%s/F(%d,%d)/tiles=%d", set.Name, f.Out, f.Size, tiles), func(t *testing.T) {
					checkWinogradGradient(t, set, f, filters[i], tiles)
				})
			}
		}
	}
}

func checkWinogradGradient(t *testing.T, set *Set, f Filter, m *matrices, tiles int) {
	const rows = 2
	size, out, side, more := f.Size, f.Out, f.Side(), set.Lanes
	rng := rand.New(rand.NewPCG(9, uint64(tiles)))
	phase := (out*tiles + size - 1 + out - 1) / out
	width := out * phase
	x, dy := random(rng, (out*rows+size-1)*width+more), random(rng, out*rows*width+more) // as phases of a row
	plane := rows*tiles + more
	v, e := guarded(side*side*plane+more), guarded(side*side*plane+more)
	f.Input(&v[1], plane, &x[0], width, phase, rows, tiles)
	f.Gradient(&e[1], plane, &dy[0], width, phase, rows, tiles)
	at := func(x []float32, row, column int) float64 { return float64(x[row*width+column%out*phase+column/out]) }
	const maps, across = 17, 32 // the last map is checked
	u, terms := make([]float32, side*side*across), square(side, func(int, int) float64 { return 0 })
	for i := range side * side {
		checkGuardsIn(t, e, 1+i*plane+rows*tiles+more-1, 1)
		for tile := range rows * tiles {
			u[i*across+maps-1] += v[1+i*plane+tile] * e[1+i*plane+tile]
		}
	}
	for tile := range rows * tiles {
		y, x0 := tile/tiles*out, tile%tiles*out
		input := absolute(m.bt, square(side, func(r, c int) float64 { return at(x, y+r, x0+c) }))
		spread := absolute(turned(m.at), square(out, func(r, c int) float64 { return at(dy, y+r, x0+c) }))
		for r := range terms {
			for c := range terms {
				terms[r][c] += input[r][c] * spread[r][c]
			}
		}
	}
	bounds := absolute(turned(m.g), terms)
	steps := 2*roundings(m.bt) + 2*roundings(turned(m.at)) + rows*tiles + 2*roundings(turned(m.g))
	got := guarded(size*size*across + 1)
	f.WeightGradient(&got[0], &u[0], across, maps)
	checkGuardsIn(t, got, size*size*across, 1)
	for i := range size * size {
		g := got[i*across+maps-1]
		var want float64
		for p := range out * rows * out * tiles {
			y, x0 := p/(out*tiles), p%(out*tiles)
			want += at(dy, y, x0) * at(x, y+i/size, x0+i%size)
		}
		if bound := bounds[i/size][i%size] * float64(steps) / (1 << 24); math.Abs(float64(g)-want) > bound {
			t.Errorf("weight %d has the gradient %v, want %v within %g", i, g, want, bound)
		}
	}
}

// turned is the transposed matrix.
func turned(m [][]float32) [][]float32 {
	t := make([][]float32, len(m[0]))
	for i := range t {
		for _, row := range m {
			t[i] = append(t[i], row[i])
		}
	}
	return t
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

// TestWinogradTwins holds every set's transforms against the portable ones bit for
// bit: all add in the same order.
func TestWinogradTwins(t *testing.T) {
	for _, set := range Usable() {
		for i, portable := range Go(*set).Winograd {
			if i >= len(set.Winograd) {
				continue
			}
			t.Run(fmt.Sprintf("%s/F(%d,%d)", set.Name, portable.Out, portable.Size), func(t *testing.T) {
				compareTransforms(t, set, set.Winograd[i], portable)
			})
		}
	}
}

func compareTransforms(t *testing.T, set *Set, f, portable Filter) {
	const rows, tiles, maps, plane = 3, 19, 4, 73
	rng := rand.New(rand.NewPCG(5, 5))
	more := set.Lanes
	size, out, entries := portable.Size, portable.Out, portable.Side()*portable.Side()
	phase := tiles + size/2
	x, m, g := random(rng, (out*rows+size)*out*phase+more), random(rng, entries*plane+more), random(rng, maps*size*size*set.MR+more)
	transforms := func(f Filter) [5][]float32 {
		u, v, y := make([]float32, entries*maps*set.MR), make([]float32, entries*plane+more), make([]float32, out*rows*out*tiles+out*more)
		f.Weights(&u[0], maps*set.MR, &g[0], maps)
		f.Input(&v[0], plane, &x[0], out*phase, phase, rows, tiles)
		f.Output(&y[0], out*tiles, &m[0], plane, rows, tiles)
		d := make([]float32, entries*plane+more)
		f.Gradient(&d[0], plane, &x[0], out*phase, phase, rows, tiles)
		for e := range entries { // what lies behind a plane's tiles is nobody's
			clear(v[e*plane+rows*tiles : (e+1)*plane])
			clear(d[e*plane+rows*tiles : (e+1)*plane])
		}
		clear(v[entries*plane:])
		clear(d[entries*plane:])
		w := make([]float32, size*size*plane+more)
		f.WeightGradient(&w[0], &m[0], plane, plane-more)
		for k := range size * size {
			clear(w[(k+1)*plane-more : (k+1)*plane])
		}
		return [5][]float32{u, v, y[:out*rows*out*tiles], d, w[:size*size*plane]}
	}
	got, want := transforms(f), transforms(portable)
	for k := range got {
		for j, w := range want[k] {
			if got[k][j] != w {
				t.Errorf("transform %d of %d×%d, element %d: %v, portable %v", k, size, size, j, got[k][j], w)
				break
			}
		}
	}
}
