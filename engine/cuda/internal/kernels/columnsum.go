package kernels

import "alexnet/engine/cuda/internal/gpu"

// ColumnSum is D[c] = Σ X[row,c] over all rows: a bias gradient. X is T
// (Rows, C), D float32 (C), Workspace float32 of ColumnSumWorkspace bytes.
type ColumnSum struct {
	X, D, Workspace gpu.Pointer
	Rows, C         int32

	// Set by the method: rows are cut into chunks, which are summed side by
	// side and then added in order.
	chunks, chunkRows int32
}

// ColumnSumWorkspace is the number of bytes that ColumnSum works in.
func ColumnSumWorkspace(rows, c int32) int64 {
	chunks, _ := columnChunks(rows)
	return int64(chunks) * int64(c) * 4
}

// columnChunks cuts rows by their number alone, so that sums are the same on
// every device: at most 512 chunks, of at least 64 rows.
func columnChunks(rows int32) (chunks, chunkRows int32) {
	chunkRows = max(64, (rows+511)/512)
	return (rows + chunkRows - 1) / chunkRows, chunkRows
}

// ColumnSum enqueues two kernels.
func (k *Set) ColumnSum(s gpu.Stream, p ColumnSum) error {
	p.chunks, p.chunkRows = columnChunks(p.Rows)
	name, vector := k.variant("column_sum", p.C)
	// Eight rows of 32 vectors a block; the threads of a column add up in
	// shared memory.
	const across, down = 32, 8
	l := gpu.Launch{
		Grid:   [3]uint32{blocks(p.C/vector, across), uint32(p.chunks), 1},
		Block:  [3]uint32{across, down, 1},
		Shared: uint32(across * down * vector * 4),
	}
	if err := launch(k, s, name, l, &p); err != nil {
		return err
	}
	return launch(k, s, "column_sum_chunks", gpu.Launch{
		Grid:   [3]uint32{blocks(p.C, 32), 1, 1},
		Block:  [3]uint32{32, 32, 1},
		Shared: 32 * 32 * 4,
	}, &p)
}
