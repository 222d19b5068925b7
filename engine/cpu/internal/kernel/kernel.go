// Package kernel holds the inner loops of the CPU context. Every kernel exists
// in portable Go; on amd64 with AVX2 and FMA a few have an assembly twin. A Set
// is one consistent choice of them.
package kernel

// Tile sizes of the matrix kernel: C is computed in pieces of MR rows by NR
// columns that stay in registers.
const (
	MR = 6
	NR = 16
)

// A Set is one implementation of every kernel. The functions trust their
// callers: pointers and counts must describe memory that is really there.
type Set struct {
	// Name says which instructions the set uses: "portable", "avx2".
	Name string

	// Gemm computes a tile C (MR×NR, row stride ldc) = A·B, or C += A·B with
	// accumulate. A is packed: k columns of MR values. B has k rows of NR
	// values, ldb apart.
	Gemm func(k int, a, b *float32, ldb int, c *float32, ldc int, accumulate bool)

	// PackCopy fills k rows of dst, ld apart: row p is, one behind the other,
	// runs of length floats that lie stride apart from src+offsets[p] on. It
	// may read 7 floats beyond the end of a run, and write as many beyond the
	// end of a row before it goes on to the next.
	PackCopy func(dst *float32, ld int, src *float32, offsets *int, k, runs, length, stride int)

	// PackTranspose is PackCopy for eight offsets, turned: column i of dst is
	// what offsets[i] yields. It may read 7 floats beyond the end of a run and
	// write 7 rows beyond the last. Rows may overlap (ld < 8): the later wins.
	PackTranspose func(dst *float32, ld int, src *float32, offsets *int, runs, length, stride int)
}

// Portable is the set written in Go alone.
var Portable = Set{
	Name: "portable",
	Gemm: gemmGo,

	PackCopy:      packCopyGo,
	PackTranspose: packTransposeGo,
}
