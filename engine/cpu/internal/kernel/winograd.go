package kernel

import "alexnet/engine/cpu/internal/winograd"

// A Filter is Winograd's minimal filtering F(Out×Out, Size×Size) (Lavin and Gray, "Fast
// Algorithms for Convolutional Neural Networks", 2015, §4.1): tiles of Side pixels
// a side, Out apart, become tiles of Out×Out output pixels,
//
//	Y = Aᵀ·((G·g·Gᵀ) ⊙ (Bᵀ·d·B))·A
//
// with Side² products where the definition has Out²·Size². Entry (r, c) of a
// transformed tile is number r·Side + c.
type Filter struct {
	Size int // of the weights: 3 or 5
	Out  int // 2 or 4
	// Error is the root mean square of the error of sums over noise, in units of the
	// sums', or 0 where it is hardly more than that of the definition.
	Error float64

	// Weights is U = G·g·Gᵀ for the weights g of n input maps, packed for Gemm:
	// Size² columns of MR values a map. Entry e goes to the n columns of MR
	// values that start at u[e·plane]. It may read Lanes−1 floats beyond.
	Weights func(u *float32, plane int, g *float32, n int)
	// Input computes V = Bᵀ·d·B for rows × tiles tiles d, 2 apart, row after row:
	// entry e of tile t goes to v[e·plane + t]. Rows of x are pitch apart and hold
	// their even pixels first, and the odd ones from phase on. It may read Lanes−1
	// floats beyond a phase, and write as many beyond the tiles of a row before it
	// begins the next row.
	Input func(v *float32, plane int, x *float32, pitch, phase, rows, tiles int)
	// Output computes Y = Aᵀ·M·A for rows × tiles tiles: entry e of tile t is
	// m[e·plane + t]. Its 2×2 pixels go to rows of y that are ld apart, at least
	// 2·tiles−1: then the next row overwrites the odd pixel. It may read Lanes−1
	// floats beyond, and write 2·Lanes−1 beyond a row before it begins the next row.
	Output func(y *float32, ld int, m *float32, plane, rows, tiles int)
	// Gradient computes V = A·d·Aᵀ for tiles d of 2×2 pixels. The arguments are those
	// of Input.
	Gradient func(v *float32, plane int, x *float32, pitch, phase, rows, tiles int)
	// WeightGradient computes Gᵀ·u·G for n input maps: the gradient of the weights
	// from the gradient of the entries. Entry e of map i is u[e·plane + i], weight k
	// goes to g[k·plane + i]. It may read and write Lanes−1 floats beyond; in g,
	// before it begins the next weight.
	WeightGradient func(g, u *float32, plane, n int)
}

// Side is the pixels of a tile's side.
func (f *Filter) Side() int { return f.Size + f.Out - 1 }

// maxTile is the side of the largest tile, and maxOut that of its outputs.
const (
	maxTile = 8
	maxOut  = 4
)

// matrices are those of a winograd.Filter in float32.
type matrices struct{ bt, g, at [][]float32 }

var filter3, filter5, filter4x3, filter4x5 = single(winograd.F2x3), single(winograd.F2x5), single(winograd.F4x3), single(winograd.F4x5)

func single(f *winograd.Filter) matrices {
	round := func(m [][]float64) [][]float32 {
		rows := make([][]float32, len(m))
		for i, row := range m {
			for _, v := range row {
				rows[i] = append(rows[i], float32(v))
			}
		}
		return rows
	}
	return matrices{round(f.BT), round(f.G), round(f.AT)}
}

// The errors of filter4x3 over 256 maps and of filter4x5 over 48.
const (
	error4x3 = 1.5e-6
	error4x5 = 2.8e-6
)

// portable returns the filter in Go alone, for panels of mr rows. It adds the columns
// of a matrix in the same order as the assembly.
func (f *matrices) portable(mr int, err float64) Filter {
	return Filter{len(f.g[0]), len(f.at), err, f.weights(mr), f.input, f.output, f.gradient, f.weightGradient}
}

// dot returns Σ m[i]·x[i], rounded after every step.
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
	side, size := len(f.bt), len(f.at)
	for row := range rows {
		for tile := range tiles {
			var e [maxTile][maxTile]float32 // d·B, column by column
			for r := range side {
				var d [maxTile]float32
				for c := range side {
					d[c] = *at(x, (size*row+r)*pitch+c%size*phase+c/size+tile)
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
	side, size := len(f.bt), len(f.at)
	for row := range rows {
		for tile := tiles - 1; tile >= 0; tile-- {
			in := at(m, row*tiles+tile)
			var s [maxOut][maxTile]float32 // Aᵀ·M
			for c := range side {
				var column [maxTile]float32
				for r := range side {
					column[r] = *at(in, (r*side+c)*plane)
				}
				for r, coefficients := range f.at {
					s[r][c] = dot(coefficients, &column)
				}
			}
			for r := range f.at {
				for c, coefficients := range f.at {
					*at(y, (size*row+r)*ld+size*tile+c) = dot(coefficients, &s[r])
				}
			}
		}
	}
}

func (f *matrices) gradient(v *float32, plane int, x *float32, pitch, phase, rows, tiles int) {
	side := len(f.bt)
	size := len(f.at)
	spread := func(x *[maxTile]float32, e int) (sum float32) { // of a column of A
		for i, row := range f.at {
			if row[e] != 0 {
				sum += float32(row[e] * x[i])
			}
		}
		return sum
	}
	for row := range rows {
		for tile := range tiles {
			p := at(x, size*row*pitch+tile)
			out := at(v, row*tiles+tile)
			for r := range side {
				var sums [maxTile]float32
				for c := range size {
					var column [maxTile]float32
					for i := range size {
						column[i] = *at(p, i*pitch+c*phase)
					}
					sums[c] = spread(&column, r)
				}
				for c := range side {
					*at(out, (r*side+c)*plane) = spread(&sums, c)
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
