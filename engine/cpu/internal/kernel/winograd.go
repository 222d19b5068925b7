package kernel

import "unsafe"

// The transforms of Winograd's minimal filtering F(2×2, 3×3) (Lavin and Gray,
// "Fast Algorithms for Convolutional Neural Networks", 2015, §4.1):
//
//	     ⎡1  0 −1  0⎤        ⎡1   0   0⎤
//	Bᵀ = ⎢0  1  1  0⎥    G = ⎢½   ½   ½⎥    Aᵀ = ⎡1  1  1  0⎤
//	     ⎢0 −1  1  0⎥        ⎢½  −½   ½⎥         ⎣0  1 −1 −1⎦
//	     ⎣0  1  0 −1⎦        ⎣0   0   1⎦

// winogradWeightsGo is the portable WinogradWeights.
func winogradWeightsGo(u *float32, plane int, g *float32, n int) {
	for i := range n {
		for r := range MR {
			in, out := at(g, i*9*MR+r), at(u, i*MR+r)
			var t [4][3]float32 // G·g
			for x := range 3 {
				t[0][x], t[1][x], t[2][x], t[3][x] = quarter(*at(in, x*MR), *at(in, (3+x)*MR), *at(in, (6+x)*MR))
			}
			for e := range t {
				p := at(out, 4*e*plane)
				*p, *at(p, plane), *at(p, 2*plane), *at(p, 3*plane) = quarter(t[e][0], t[e][1], t[e][2])
			}
		}
	}
}

// quarter is G·(a, b, c).
func quarter(a, b, c float32) (float32, float32, float32, float32) {
	return a, (a + c + b) * 0.5, (a + c - b) * 0.5, c
}

// winogradInputGo is the portable WinogradInput.
func winogradInputGo(v *float32, plane int, x *float32, pitch, phase, rows, tiles int) {
	for row := range rows {
		for tile := range tiles {
			var e [4][4]float32 // d·B
			for r := range e {
				p := at(x, (2*row+r)*pitch+tile)
				d0, d1, d2, d3 := *p, *at(p, phase), *at(p, 1), *at(p, phase+1)
				e[r] = [4]float32{d0 - d2, d1 + d2, d2 - d1, d1 - d3}
			}
			out := at(v, row*tiles+tile)
			for c := range 4 {
				*at(out, c*plane) = e[0][c] - e[2][c]
				*at(out, (4+c)*plane) = e[1][c] + e[2][c]
				*at(out, (8+c)*plane) = e[2][c] - e[1][c]
				*at(out, (12+c)*plane) = e[1][c] - e[3][c]
			}
		}
	}
}

// winogradOutputGo is the portable WinogradOutput.
func winogradOutputGo(y *float32, ld int, m *float32, plane, rows, tiles int) {
	for row := range rows {
		for tile := tiles - 1; tile >= 0; tile-- {
			in := at(m, row*tiles+tile)
			var upper, lower [4]float32 // Aᵀ·M
			for c := range 4 {
				m0, m1, m2, m3 := *at(in, c*plane), *at(in, (4+c)*plane), *at(in, (8+c)*plane), *at(in, (12+c)*plane)
				upper[c], lower[c] = m0+m1+m2, m1-m2-m3
			}
			for r, s := range [2][4]float32{upper, lower} {
				*(*[2]float32)(unsafe.Pointer(at(y, (2*row+r)*ld+2*tile))) = [2]float32{s[0] + s[1] + s[2], s[1] - s[2] - s[3]}
			}
		}
	}
}

// winogradGradientGo is the portable WinogradGradient.
func winogradGradientGo(v *float32, plane int, x *float32, pitch, phase, rows, tiles int) {
	for row := range rows {
		for tile := range tiles {
			p := at(x, 2*row*pitch+tile)
			left := spread(*p, *at(p, pitch))
			right := spread(*at(p, phase), *at(p, pitch+phase))
			out := at(v, row*tiles+tile)
			for r := range 4 {
				e := spread(left[r], right[r])
				for c := range 4 {
					*at(out, (4*r+c)*plane) = e[c]
				}
			}
		}
	}
}

// spread is A·(a, b).
func spread(a, b float32) [4]float32 { return [4]float32{a, a + b, a - b, -b} }

// WinogradWeightGradient is Gᵀ·u·G: the gradient of 3×3 weights from that of
// their 16 entries, row by row.
func WinogradWeightGradient(g []float32, u *[16]float32) {
	var t [3][4]float32 // Gᵀ·u
	for c := range 4 {
		t[0][c], t[1][c], t[2][c] = third(u[c], u[4+c], u[8+c], u[12+c])
	}
	g = g[:9]
	for r := range t {
		g[3*r], g[3*r+1], g[3*r+2] = third(t[r][0], t[r][1], t[r][2], t[r][3])
	}
}

// third is Gᵀ·(a, b, c, d).
func third(a, b, c, d float32) (float32, float32, float32) {
	return a + (b+c)*0.5, (b - c) * 0.5, (b+c)*0.5 + d
}
