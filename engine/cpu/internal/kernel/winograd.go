package kernel

import "unsafe"

// A Filter is Winograd's minimal filtering F(2×2, Size×Size) (Lavin and Gray, "Fast
// Algorithms for Convolutional Neural Networks", 2015, §4.1): tiles of Size+1
// pixels a side, 2 apart, become tiles of 2×2 output pixels,
//
//	Y = Aᵀ·((G·g·Gᵀ) ⊙ (Bᵀ·d·B))·A
//
// with (Size+1)² products where the definition has 4·Size². Entry (r, c) of a
// transformed tile is number r·(Size+1) + c.
type Filter struct {
	Size int // of the weights: 3 or 5

	// Weights is U = G·g·Gᵀ for the weights g of n input maps, packed for Gemm:
	// Size² columns of MR values a map. Entry e goes to the n columns of MR
	// values that start at u[e·plane]. It may read Lanes−1 floats beyond.
	Weights func(u *float32, plane int, g *float32, n int)
	// Input is V = Bᵀ·d·B for rows × tiles tiles d that lie 2 apart, row after
	// row: entry e of tile t goes to v[e·plane + t]. Rows of x lie pitch apart
	// and hold their even pixels first and the odd ones from phase on. It may
	// read Lanes−1 floats beyond a phase, and write as many beyond the tiles of a
	// row before it goes on to the next.
	Input func(v *float32, plane int, x *float32, pitch, phase, rows, tiles int)
	// Output is Y = Aᵀ·M·A for rows × tiles tiles: entry e of tile t is
	// m[e·plane + t], its 2×2 pixels go to rows of y that lie ld apart,
	// 2·tiles−1 at least: the odd pixel is overwritten by the next row. It may
	// read Lanes−1 floats beyond, and write 2·Lanes−1 beyond a row before it goes
	// on to the next.
	Output func(y *float32, ld int, m *float32, plane, rows, tiles int)
	// Gradient is V = A·d·Aᵀ for tiles d of 2×2 pixels; the arguments are those
	// of Input.
	Gradient func(v *float32, plane int, x *float32, pitch, phase, rows, tiles int)
	// WeightGradient is Gᵀ·u·G for n input maps: the gradient of the weights from
	// that of the entries. Entry e of map i is u[e·plane + i], weight k goes to
	// g[k·plane + i]. It may read and write Lanes−1 floats beyond, of g before it
	// goes on to the next weight.
	WeightGradient func(g, u *float32, plane, n int)
}

// maxTile is the side of the largest tile.
const maxTile = 6

// matrices of a filter.
type matrices struct{ bt, g, at [][]float32 }

// filter3 has the points 0, 1, −1 and ∞.
var filter3 = matrices{
	bt: [][]float32{
		{1, 0, -1, 0},
		{0, 1, 1, 0},
		{0, -1, 1, 0},
		{0, 1, 0, -1}},
	g: [][]float32{
		{1, 0, 0},
		{.5, .5, .5},
		{.5, -.5, .5},
		{0, 0, 1}},
	at: [][]float32{
		{1, 1, 1, 0},
		{0, 1, -1, -1}},
}

// filter5 has the points 0, 1, −1, ½, −2 and ∞, of those tried the ones that err
// least (Barabasz and others, "Error Analysis and Improving the Accuracy of
// Winograd Convolution for Deep Neural Networks", 2020, on how much they matter).
var filter5 = matrices{
	bt: [][]float32{
		{1, -1.5, -2, 1.5, 1, 0},
		{0, -1, .5, 2.5, 1, 0},
		{0, 1, -2.5, .5, 1, 0},
		{0, -2, -1, 2, 1, 0},
		{0, .5, -1, -.5, 1, 0},
		{0, 1, -1.5, -2, 1.5, 1}},
	g: [][]float32{
		{1, 0, 0, 0, 0},
		{1. / 3, 1. / 3, 1. / 3, 1. / 3, 1. / 3},
		{-1. / 3, 1. / 3, -1. / 3, 1. / 3, -1. / 3},
		{-16. / 15, -8. / 15, -4. / 15, -2. / 15, -1. / 15},
		{1. / 15, -2. / 15, 4. / 15, -8. / 15, 16. / 15},
		{0, 0, 0, 0, 1}},
	at: [][]float32{
		{1, 1, 1, 1, 1, 0},
		{0, 1, -1, .5, -2, 1}},
}

// portable is the filter in Go alone, for panels of mr rows. Sums go over the
// columns of a matrix in order, as those of the assembly do.
func (f *matrices) portable(mr int) Filter {
	return Filter{len(f.g[0]), f.weights(mr), f.input, f.output, f.gradient, f.weightGradient}
}

// dot is Σ m[i]·x[i], rounded after every step.
func dot(m []float32, x *[maxTile]float32) (sum float32) {
	for i, c := range m {
		if c != 0 {
			sum += float32(c * x[i])
		}
	}
	return sum
}

func (f *matrices) weights(mr int) func(u *float32, plane int, g *float32, n int) {
	return func(u *float32, plane int, g *float32, n int) {
		size := len(f.g[0])
		for i := range n {
			for r := range mr {
				in, out := at(g, i*size*size*mr+r), at(u, i*mr+r)
				for row, coefficients := range f.g {
					var t [maxTile]float32 // a row of G·g
					for x := range size {
						var column [maxTile]float32
						for y := range size {
							column[y] = *at(in, (y*size+x)*mr)
						}
						t[x] = dot(coefficients, &column)
					}
					for c := range f.g {
						*at(out, (row*len(f.g)+c)*plane) = dot(f.g[c], &t)
					}
				}
			}
		}
	}
}

func (f *matrices) input(v *float32, plane int, x *float32, pitch, phase, rows, tiles int) {
	side := len(f.bt)
	for row := range rows {
		for tile := range tiles {
			var e [maxTile][maxTile]float32 // d·B, column by column
			for r := range side {
				var d [maxTile]float32
				for c := range side {
					d[c] = *at(x, (2*row+r)*pitch+c%2*phase+c/2+tile)
				}
				for c := range side {
					e[c][r] = dot(f.bt[c], &d)
				}
			}
			out := at(v, row*tiles+tile)
			for i := range side * side {
				*at(out, i*plane) = dot(f.bt[i/side], &e[i%side])
			}
		}
	}
}

func (f *matrices) output(y *float32, ld int, m *float32, plane, rows, tiles int) {
	side := len(f.bt)
	for row := range rows {
		for tile := tiles - 1; tile >= 0; tile-- {
			in := at(m, row*tiles+tile)
			var s [2][maxTile]float32 // Aᵀ·M
			for c := range side {
				var column [maxTile]float32
				for r := range side {
					column[r] = *at(in, (r*side+c)*plane)
				}
				s[0][c], s[1][c] = dot(f.at[0], &column), dot(f.at[1], &column)
			}
			for r := range s {
				*(*[2]float32)(unsafe.Pointer(at(y, (2*row+r)*ld+2*tile))) = [2]float32{dot(f.at[0], &s[r]), dot(f.at[1], &s[r])}
			}
		}
	}
}

func (f *matrices) gradient(v *float32, plane int, x *float32, pitch, phase, rows, tiles int) {
	side := len(f.bt)
	spread := func(a, b float32, e int) float32 {
		return dot([]float32{f.at[0][e], f.at[1][e]}, &[maxTile]float32{a, b})
	}
	for row := range rows {
		for tile := range tiles {
			p := at(x, 2*row*pitch+tile)
			out := at(v, row*tiles+tile)
			for r := range side {
				left := spread(*p, *at(p, pitch), r)
				right := spread(*at(p, phase), *at(p, pitch+phase), r)
				for c := range side {
					*at(out, (r*side+c)*plane) = spread(left, right, c)
				}
			}
		}
	}
}

func (f *matrices) weightGradient(g, u *float32, plane, n int) {
	side, size := len(f.g), len(f.g[0])
	gt := make([][]float32, size)
	for r := range gt {
		for k := range side {
			gt[r] = append(gt[r], f.g[k][r])
		}
	}
	for i := range n {
		for r := range size {
			var t [maxTile]float32 // a row of Gᵀ·u
			for c := range side {
				var column [maxTile]float32
				for k := range side {
					column[k] = *at(u, (k*side+c)*plane+i)
				}
				t[c] = dot(gt[r], &column)
			}
			for c := range size {
				*at(g, (r*size+c)*plane+i) = dot(gt[c], &t)
			}
		}
	}
}
