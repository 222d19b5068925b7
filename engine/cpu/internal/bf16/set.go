// Package bf16 holds the inner loops of a CPU context that keeps activations and
// working weights in bfloat16: the upper half of a float32, as a uint16. Products
// take a pair at a time, two factors side by side in memory, and sum in float32. Maps
// lie side by side: an activation is (N, H, W, C).
//
// Every kernel exists in portable Go. For AVX-512 with its bfloat16 instructions
// every kernel exists in assembly too; with AMX, products run on tiles; on arm64,
// products use BFDOT.
package bf16

import (
	"fmt"
	"unsafe"
)

// A Set is one implementation of every kernel. The functions do not check their
// arguments: pointers and counts must describe existing memory. Distances named ld…
// are in elements.
type Set struct {
	// Name says which instructions the products use: "portable", "avx512", "amx", "neon".
	Name string
	// Needs says in words what a processor must have.
	Needs string
	// Supported reports whether this machine can run the set.
	Supported func() bool

	// Heights are the rows that a tile may have, by its width in vectors of 16
	// columns, descending.
	Heights [4][]int
	// Step is the largest number of pairs of one multiplication. The number of a
	// segment's pairs should have a divisor near it.
	Step int
	// Gemm computes groups of p: C = A·B, or C += A·B with p.Accumulate. It may
	// change p.
	Gemm func(p *Product)
	// Peak executes that many turns of PeakFLOP operations on registers or tiles
	// alone; nil in the portable set.
	Peak     func(turns int)
	PeakFLOP int

	// TurnPairs computes dst[j·ldd + r] = pair j of row r of src, for rows r of n
	// numbers. For an odd n the second number of the last pair is 0.
	TurnPairs func(dst *uint32, ldd int, src *uint16, lds int, rows, n int)
	// TurnWords is dst[c·ldd + r] = src[r·lds + c].
	TurnWords func(dst *uint16, ldd int, src *uint16, lds int, rows, columns int)
	// Interleave computes dst[p·ldd + j] = the pair of src[2p·lds + j] and
	// src[(2p+1)·lds + j], for j below n. For an odd number of rows the second number
	// of the last pairs is 0.
	Interleave func(dst *uint32, ldd int, src *uint16, lds int, rows, n int)

	// Narrow rounds src to dst, to nearest even; denormals become 0.
	Narrow func(dst []uint16, src []float32)
	// Widen is dst[i] = src[i].
	Widen func(dst []float32, src []uint16)
	// Finish is y[r·ldy + j] = c[r·ldc + j] + bias[j], or its maximum with 0 with
	// relu; NaN stays NaN.
	Finish func(y *uint16, ldy int, c *float32, ldc int, bias []float32, rows int, relu bool)
	// ReLUBackward is dx[i] = dy[i] where y[i] > 0, else 0. dx may be dy.
	ReLUBackward func(y, dy, dx []uint16)
	// AddWide is sum[i] += x[i].
	AddWide func(sum []float32, x []uint16)
	// Scale is y[i] = factor·x[i].
	Scale func(y, x []uint16, factor float32)
	// ColumnSums is sum[j] += Σ x[r·ld + j] over rows r.
	ColumnSums func(sum []float32, x *uint16, ld, rows int)
	// Update is Momentum's rule on weights in two halves (see Split):
	// v[i] = momentum·v[i] − decay·w[i] − rate·g[i]; w[i] += v[i].
	Update func(high, low []uint16, v, g []float32, momentum, decay, rate float32)
	// Input is y[i] = (pixels[i] + colour[i mod 48] − mean[i])·scale.
	Input func(y []uint16, pixels []byte, mean []float32, colour *[48]float32, scale float32)

	// Squares is sq[r·ldq + i] = x[r·ldx + i]² for i below n.
	Squares func(sq *float32, ldq int, x *uint16, ldx int, rows, n int)
	// LRNForward is y = x/s^¾ with s = k + alpha·Σ sq[i], …, sq[i+size−1], for rows
	// of n numbers. The rows of y have the distances of x.
	LRNForward func(y, x *uint16, ldx int, sq *float32, ldq int, rows, n, size int, k, alpha float32)
	// LRNTerms is direct = dy/s^¾ and ratio = direct·x/s with s as in LRNForward.
	LRNTerms func(ratio, direct *float32, ldr int, x, dy *uint16, ldx int, sq *float32, ldq int, rows, n, size int, k, alpha float32)
	// LRNCombine is dx = direct − factor·x·Σ ratio[i], …, ratio[i+size−1].
	LRNCombine func(dx, x *uint16, ldx int, ratio, direct *float32, ldr int, rows, n, size int, factor float32)

	// MaxPool is the maximum of a window over n maps and, unless at is nil, its
	// position: the first of equals, and the first NaN over everything.
	MaxPool func(y *uint16, at *byte, x *uint16, w PoolWindow, n int)
	// Gather is dx[i] = Σ dy[o+i] over the sources whose at[o+i] is their position.
	Gather func(dx, dy *uint16, at *byte, sources []Source, n int)
}

// Product is Gemm's argument: Groups tiles of Height rows and Vectors·16 columns
// against one panel of B.
type Product struct {
	C   unsafe.Pointer // of the first group, float32
	LDC int            // bytes
	A   unsafe.Pointer
	LDA int // bytes between rows of A
	B   unsafe.Pointer
	LDB int // bytes between pairs of rows of B

	// The depth: Count segments of Pairs pairs each.
	Segments   *Segment
	Count      int
	Pairs      int
	Accumulate int // 0 or 1

	// What AMX's kernels read besides; the set fills it in.
	c2, a2 unsafe.Pointer
	step   int
	config [64]byte

	Vectors int
	Height  int
	// Groups says where each group begins.
	Groups []Group
}

// A Segment is where a piece of the depth begins in A and in B, in bytes.
type Segment struct{ A, B int }

// A Group is where a tile begins in A and in C, in bytes.
type Group struct{ A, C int }

// The assembly knows these offsets.
var (
	_ = [1]int{}[unsafe.Offsetof(Product{}.Segments)-48]
	_ = [1]int{}[unsafe.Offsetof(Product{}.Accumulate)-72]
	_ = [1]int{}[unsafe.Offsetof(Product{}.config)-104]
)

// PoolWindow is the part of a pooling window that lies inside a plane of pixels.
type PoolWindow struct {
	Pitch, Step   int // elements between its rows, and between its pixels
	Rows, Columns int
	First         int // position of the first pixel
	Skip          int // positions that a row's end leaves out
}

// Source is one of the windows that hold a pixel: the place of its gradient, and the
// pixel's position in it.
type Source struct{ Offset, Position int }

// Emulated says that a test emulates AMX's instructions.
var Emulated bool

// Sets returns all sets of this build, the preferred last.
func Sets() []*Set { return append([]*Set{&portable}, assembly...) }

// Usable returns the sets that this machine can run, the preferred last.
func Usable() (usable []*Set) {
	for _, s := range Sets() {
		if s.Supported() {
			usable = append(usable, s)
		}
	}
	return usable
}

// Find returns the set with a name; "" is the preferred assembly set that this
// machine can run. The portable set is some hundred times slower, so it is used only
// if it is named.
func Find(name string) (*Set, error) {
	usable := Usable()
	best := usable[len(usable)-1]
	if name == "" {
		if best == &portable {
			return nil, fmt.Errorf("bf16 is fast where a processor has AVX512_BF16, AMX or, on arm64, BF16, and this one has neither: compute in fp32, or ask for the portable kernels")
		}
		return best, nil
	}
	for _, s := range usable {
		if s.Name == name {
			return s, nil
		}
	}
	for _, s := range Sets() {
		if s.Name == name {
			return nil, fmt.Errorf("%s needs %s in bf16, which this machine doesn't have; there is %s", name, s.Needs, best.Name)
		}
	}
	return nil, fmt.Errorf("no kernels called %q compute in bf16; there is %s", name, best.Name)
}

// At returns the address of p's i-th element.
func At[T any](p *T, i int) *T {
	return (*T)(unsafe.Add(unsafe.Pointer(p), uintptr(i)*unsafe.Sizeof(*p)))
}
