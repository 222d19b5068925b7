// Package winograd holds the matrices of Winograd's minimal filters. The kernels of
// package kernel compute with them, and the generator of their assembly has their
// coefficients from here.
package winograd

import "math"

// Filter is F(Out×Out, Size×Size) (Lavin and Gray, "Fast Algorithms for Convolutional
// Neural Networks", 2015, §4.1): for weights g and a tile d,
//
//	Y = Aᵀ·((G·g·Gᵀ) ⊙ (Bᵀ·d·B))·A
type Filter struct {
	BT [][]float64 // Side × Side
	G  [][]float64 // Side × Size
	AT [][]float64 // Out × Side
}

// Side returns the pixels of a tile's side, Size + Out − 1.
func (f *Filter) Side() int { return len(f.G) }

// Size returns the side of the weights.
func (f *Filter) Size() int { return len(f.G[0]) }

// Out returns the side of a tile's outputs.
func (f *Filter) Out() int { return len(f.AT) }

// Filters lists all filters, in the order in which sets of kernels have them.
var Filters = []*Filter{F2x3, F2x5, F4x3, F4x5}

// F2x3 has the points 0, 1, −1 and ∞.
var F2x3 = &Filter{
	BT: [][]float64{
		{1, 0, -1, 0},
		{0, 1, 1, 0},
		{0, -1, 1, 0},
		{0, 1, 0, -1}},
	G: [][]float64{
		{1, 0, 0},
		{.5, .5, .5},
		{.5, -.5, .5},
		{0, 0, 1}},
	AT: [][]float64{
		{1, 1, 1, 0},
		{0, 1, -1, -1}},
}

// F2x5 has the points 0, 1, −1, ½, −2 and ∞. Among the points tried they give the
// smallest error (Barabasz and others, "Error Analysis and Improving the Accuracy of
// Winograd Convolution for Deep Neural Networks", 2020, on how much they matter).
var F2x5 = &Filter{
	BT: [][]float64{
		{1, -1.5, -2, 1.5, 1, 0},
		{0, -1, .5, 2.5, 1, 0},
		{0, 1, -2.5, .5, 1, 0},
		{0, -2, -1, 2, 1, 0},
		{0, .5, -1, -.5, 1, 0},
		{0, 1, -1.5, -2, 1.5, 1}},
	G: [][]float64{
		{1, 0, 0, 0, 0},
		{1. / 3, 1. / 3, 1. / 3, 1. / 3, 1. / 3},
		{-1. / 3, 1. / 3, -1. / 3, 1. / 3, -1. / 3},
		{-16. / 15, -8. / 15, -4. / 15, -2. / 15, -1. / 15},
		{1. / 15, -2. / 15, 4. / 15, -8. / 15, 16. / 15},
		{0, 0, 0, 0, 1}},
	AT: [][]float64{
		{1, 1, 1, 1, 1, 0},
		{0, 1, -1, .5, -2, 1}},
}

const root = math.Sqrt2

// F4x3 has the points 0, ±√2, ±√½ and ∞. It errs two thirds as much as it would with
// those of F2x5, and 0.6 times in the worst pixel of a tile.
var F4x3 = &Filter{
	BT: [][]float64{
		{1, 0, -2.5, 0, 1, 0},
		{0, -root / 2, -.5, root, 1, 0},
		{0, root / 2, -.5, -root, 1, 0},
		{0, -root, -2, root / 2, 1, 0},
		{0, root, -2, -root / 2, 1, 0},
		{0, 1, 0, -2.5, 0, 1}},
	G: [][]float64{
		{1, 0, 0},
		{1. / 6, root / 6, 1. / 3},
		{1. / 6, -root / 6, 1. / 3},
		{-2. / 3, -root / 3, -1. / 3},
		{-2. / 3, root / 3, -1. / 3},
		{0, 0, 1}},
	AT: [][]float64{
		{1, 1, 1, 1, 1, 0},
		{0, root, -root, root / 2, -root / 2, 0},
		{0, 2, 2, .5, .5, 0},
		{0, 2 * root, -2 * root, root / 4, -root / 4, 1}},
}

// F4x5 has the points 0, ±1, ±½, ±2 and ∞: of twelve sets with opposite points the one
// that errs least.
var F4x5 = &Filter{
	BT: [][]float64{
		{1, 0, -5.25, 0, 5.25, 0, -1, 0},
		{0, 1, 1, -4.25, -4.25, 1, 1, 0},
		{0, -1, 1, 4.25, -4.25, -1, 1, 0},
		{0, 2, 4, -2.5, -5, .5, 1, 0},
		{0, -2, 4, 2.5, -5, -.5, 1, 0},
		{0, .5, .25, -2.5, -1.25, 2, 1, 0},
		{0, -.5, .25, 2.5, -1.25, -2, 1, 0},
		{0, -1, 0, 5.25, 0, -5.25, 0, 1}},
	G: [][]float64{
		{1, 0, 0, 0, 0},
		{-2. / 9, -2. / 9, -2. / 9, -2. / 9, -2. / 9},
		{-2. / 9, 2. / 9, -2. / 9, 2. / 9, -2. / 9},
		{32. / 45, 16. / 45, 8. / 45, 4. / 45, 2. / 45},
		{32. / 45, -16. / 45, 8. / 45, -4. / 45, 2. / 45},
		{1. / 90, 1. / 45, 2. / 45, 4. / 45, 8. / 45},
		{1. / 90, -1. / 45, 2. / 45, -4. / 45, 8. / 45},
		{0, 0, 0, 0, 1}},
	AT: [][]float64{
		{1, 1, 1, 1, 1, 1, 1, 0},
		{0, 1, -1, .5, -.5, 2, -2, 0},
		{0, 1, 1, .25, .25, 4, 4, 0},
		{0, 1, -1, .125, -.125, 8, -8, 1}},
}
