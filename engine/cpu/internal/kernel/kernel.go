// Package kernel holds the inner loops of the CPU context. Every kernel exists in
// portable Go, for tiles of any size, and in sets of assembly kernels. A Set is one
// choice of kernels with the sizes they work on; sets.go has the table of sets.
package kernel

// A Set is one implementation of every kernel, with its sizes. The functions do not
// check their arguments: pointers and counts must describe existing memory.
type Set struct {
	// Name says which instructions the set uses: "portable", "avx2".
	Name string
	// Needs says in words what a processor must have.
	Needs string
	// Supported reports whether this machine can run the set. It is asked once.
	Supported func() bool

	// MR and NR are the sizes of the tile that Gemm keeps in registers: C is
	// computed in pieces of MR rows by NR columns. Both are even, and NR is a
	// multiple of Lanes, of TransposeRows and of 4.
	MR, NR int
	// Lanes is the largest number of floats that a kernel works on at a time. If its
	// comment says so, a kernel may go up to Lanes−1 floats beyond the end of its
	// data.
	Lanes int
	// TransposeRows is the number of rows that PackTranspose transposes at a time, at most Lanes.
	TransposeRows int
	// Block are the sizes in which products are cut for the caches.
	Block Block

	// Peak executes turns × PeakFLOP floating-point operations on registers alone:
	// the rate of one core if nothing had to be loaded. It is nil in a set without
	// such a loop.
	Peak     func(turns int)
	PeakFLOP int

	// Gemm computes a tile C (MR×NR, row stride ldc) = A·B, or C += A·B with
	// accumulate. A is packed as k columns of MR values, B as k rows of NR.
	Gemm func(k int, a, b, c *float32, ldc int, accumulate bool)

	// GemmHalf is Gemm for the first NR/2 columns alone. It is nil in a set with
	// narrow tiles.
	GemmHalf func(k int, a, b, c *float32, ldc int, accumulate bool)

	// PackCopy fills k rows of dst, ld apart: row p is, one behind the other,
	// runs of length floats that lie stride apart from src+offsets[p] on. It
	// may read Lanes−1 floats beyond the end of a run, and write as many beyond
	// the end of a row before it goes on to the next.
	PackCopy func(dst *float32, ld int, src *float32, offsets *int, k, runs, length, stride int)

	// PackTranspose is PackCopy for TransposeRows offsets, transposed: column i of dst is the
	// run of offsets[i]. It may read Lanes−1 floats beyond the end of a run and write
	// as many rows beyond the last. Rows may overlap (ld < TransposeRows): the later one wins.
	PackTranspose func(dst *float32, ld int, src *float32, offsets *int, runs, length, stride int)

	// PackPanels copies k rows of src, ld apart, into panels of NR columns that
	// start panel floats apart in dst. It reads whole panels, and so up to
	// NR−1 floats beyond the end of a row.
	PackPanels func(dst *float32, panel int, src *float32, ld int, k, panels int)

	// Split separates a row of stride·phase floats into the pixels x ≡ 0, 1, …
	// mod stride: dst[f·phase + i] = src[i·stride + f].
	Split func(dst, src *float32, stride, phase int)

	// AddBias is x[i] += bias, then max(x[i], 0) with relu; NaN stays NaN.
	AddBias func(x []float32, bias float32, relu bool)
	// ReLUBackward is dx[i] = dy[i] where y[i] > 0, else 0. dx may be dy.
	ReLUBackward func(y, dy, dx []float32)
	// Add is y[i] += x[i].
	Add func(y, x []float32)
	// Sum is Σ x[i].
	Sum func(x []float32) float32
	// Finite reports whether no x[i] is an infinity or NaN.
	Finite func(x []float32) bool
	// Dots are products with several vectors at a time, those with the most first.
	// The last one takes a single vector.
	Dots []Dots
	// Update is v[i] = momentum·v[i] − decay·w[i] − rate·g[i]; w[i] += v[i].
	Update func(w, v, g []float32, momentum, decay, rate float32)

	// LRNForward is y = x/s^¾ with s = k + alpha·Σ w².
	LRNForward func(w Neighbours, x, y []float32, k, alpha float32)
	// LRNTerms is direct = dy/s^¾ and ratio = direct·x/s with s as in LRNForward.
	LRNTerms func(w Neighbours, x, dy, ratio, direct []float32, k, alpha float32)
	// LRNCombine is dx = direct − factor·x·Σ w.
	LRNCombine func(w Neighbours, direct, x, dx []float32, factor float32)

	// MaxPool pools one row of n outputs, windows of size×size every step
	// columns, from rows stride apart: y is the maximum and at, unless nil, its
	// position row·size + column. The first of equals wins, and the first NaN
	// over everything. It may read one float beyond the last window.
	MaxPool func(x *float32, stride, size, step int, y *float32, at *byte, n int)

	// Winograd lists the filters of the set: F(2×2, 3×3), F(2×2, 5×5) and, in a set that
	// has them, F(4×4, 3×3) and F(4×4, 5×5).
	Winograd []Filter
}

// Dots computes y[i·ldy + r] = Σ x[i·ldx + j]·w[r·ldw + j] over j below n, for Images
// vectors i and four rows r.
type Dots struct {
	Images int
	Run    func(y *float32, ldy int, x *float32, ldx int, w *float32, ldw, n int)
}

// Block holds the sizes, in rows, columns and depth, into which a product is cut so
// that its operands stay in the caches.
type Block struct {
	// K is the greatest depth of one pass over a block: a panel of B (K × NR
	// floats) stays in the first-level cache.
	K int
	// M × K floats of A stay in the second-level cache while all panels of a
	// block of B pass by. M is a multiple of MR.
	M int
	// N × K floats of B are packed at a time. N is a multiple of NR.
	N int
}
