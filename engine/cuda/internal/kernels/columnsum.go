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

// ColumnSumWorkspace returns the number of bytes of ColumnSum's workspace.
func ColumnSumWorkspace(rows, c int32) int64 {
	chunks, _ := columnChunks(rows)
	return int64(chunks) * int64(c) * 4
}

// columnChunks cuts rows by their number alone, so that sums are the same on
// every device: a batch of dense activations is one chunk, more rows are at most
// 512 chunks of at least 64 rows.
func columnChunks(rows int32) (chunks, chunkRows int32) {
	if rows <= 128 {
		return 1, max(rows, 1)
	}
	chunkRows = max(64, (rows+511)/512)
	return (rows + chunkRows - 1) / chunkRows, chunkRows
}

// ColumnSum enqueues a kernel, and a second one where there are many rows.
func (k *Set) ColumnSum(s gpu.Stream, p ColumnSum) error {
	p.chunks, p.chunkRows = columnChunks(p.Rows)
	if p.chunks == 1 {
		p.Workspace = p.D
	}
	name, vector := k.variant("column_sum", p.C)
	if err := launch(k, s, name, columnGrid(p.C/vector, vector, p.chunks), &p); err != nil {
		return err
	}
	return k.columnSumChunks(s, p)
}

// columnGrid makes blocks of up to 32 vectors and enough rows for 256 threads. The
// threads of a column add up in shared memory.
func columnGrid(vectors, vector, chunks int32) gpu.Launch {
	across := max(even(vectors, 32), 1)
	down := blockThreads / across
	return gpu.Launch{
		Grid:   [3]uint32{blocks(vectors, across), uint32(chunks), 1},
		Block:  [3]uint32{uint32(across), uint32(down), 1},
		Shared: uint32(across * down * vector * 4),
	}
}

// columnSumChunks adds up the chunks' sums, unless there is only one.
func (k *Set) columnSumChunks(s gpu.Stream, p ColumnSum) error {
	if p.chunks == 1 {
		return nil
	}
	return launch(k, s, "column_sum_chunks", gpu.Launch{
		Grid:   [3]uint32{blocks(p.C, 32), 1, 1},
		Block:  [3]uint32{32, 32, 1},
		Shared: 32 * 32 * 4,
	}, &p)
}

// ActivateBackwardSum is ActivateBackward and the ColumnSum of its DX, bit for
// bit, in one pass over memory: Y, DY and DX are T (Rows, C), D float32 (C),
// Workspace of ColumnSumWorkspace bytes. DX may be DY.
type ActivateBackwardSum struct {
	Y, DY, DX, D, Workspace gpu.Pointer
	Rows, C                 int32
	Function                Function

	chunks, chunkRows int32 // as in ColumnSum
}

// ActivateBackwardSum enqueues a kernel, and a second one where there are many
// rows.
func (k *Set) ActivateBackwardSum(s gpu.Stream, p ActivateBackwardSum) error {
	if err := p.Function.validate(); err != nil {
		return err
	}
	p.chunks, p.chunkRows = columnChunks(p.Rows)
	if p.chunks == 1 {
		p.Workspace = p.D
	}
	name, vector := k.variant("activate_backward_sum", p.C)
	if err := launch(k, s, name, columnGrid(p.C/vector, vector, p.chunks), &p); err != nil {
		return err
	}
	return k.columnSumChunks(s, ColumnSum{D: p.D, Workspace: p.Workspace, Rows: p.Rows, C: p.C, chunks: p.chunks, chunkRows: p.chunkRows})
}
