package cpu

import "alexnet/engine/cpu/internal/kernel"

const (
	mr = kernel.MR
	nr = kernel.NR
	// blockK is the greatest depth of one pass over a block: a panel of B
	// (blockK × nr floats, 24 KB) stays in a 32 KB first-level cache.
	blockK = 384
	// blockM × blockK floats of A (147 KB) stay in a 512 KB second-level cache
	// while all panels of a block of B pass by.
	blockM = 96
	// blockN × blockK floats of B (344 KB) are packed at a time.
	blockN = 224
)

// packedA is the number of floats of an m×k matrix packed for the kernel:
// panels of mr rows, each k columns of mr values.
func packedA(m, k int) int { return roundUp(m, mr) * k }

// packPanel packs panel number i of an m×k matrix whose rows are rs apart and
// contiguous. Rows beyond m repeat the last one: what the kernel makes of them
// is thrown away. It may write spill floats beyond the panel.
func (c *Context) packPanel(w *worker, dst, a []float32, m, k, rs, i int) {
	for r := range w.rows {
		w.rows[r] = min(i*mr+r, m-1) * rs
	}
	c.kernels.PackTranspose(pointer(dst), mr, pointer(a), &w.rows[0], 1, k, 0)
}

// packPanelTurned packs panel number i of an m×k matrix whose columns are ps
// apart and contiguous. Rows beyond m become 0.
func packPanelTurned(dst, a []float32, m, k, ps, i int) {
	rows := min(mr, m-i*mr)
	for p := range k {
		d, s := dst[p*mr:][:mr:mr], a[i*mr+p*ps:][:rows]
		if rows == mr {
			*(*[mr]float32)(d) = [mr]float32(s)
			continue
		}
		copy(d, s)
		clear(d[rows:])
	}
}

// spill is how many floats beyond its end a packing kernel may touch: seven
// rows of a panel, and a little.
const spill = 8 * nr

// packedB is the number of floats of a k×n block packed for the kernel: panels
// of nr columns, each k rows of nr values.
func packedB(k, n int) int { return roundUp(n, nr) * k }

// packTurned packs a block of B of which offsets says where each of n columns
// starts in src: runs of length values, stride apart. The list of offsets goes
// on to a multiple of nr.
func (c *Context) packTurned(dst, src []float32, offsets []int, n, runs, length, stride int) {
	for x := 0; x < n; x += 8 {
		panel := dst[x/nr*nr*runs*length+x%nr:]
		c.kernels.PackTranspose(pointer(panel), nr, pointer(src), &offsets[x], runs, length, stride)
	}
}

// multiply computes C (m×n, row stride ldc) = A·B, or += with accumulate. Panel
// i of A, packed, starts at a[i·stride]; B is packed, and what its last panel
// holds beyond n does not matter.
func (c *Context) multiply(w *worker, m, n, k int, a []float32, stride int, b, dst []float32, ldc int, accumulate bool) {
	gemm := c.kernels.Gemm
	for i0 := 0; i0 < m; i0 += blockM {
		for j := 0; j < n; j += nr {
			for i := i0; i < min(m, i0+blockM); i += mr {
				pa, pb := pointer(a[i/mr*stride:]), pointer(b[j*k:])
				if i+mr <= m && j+nr <= n {
					gemm(k, pa, pb, pointer(dst[i*ldc+j:]), ldc, accumulate)
				} else {
					gemm(k, pa, pb, pointer(w.edge), nr, false)
					copyTile(dst[i*ldc+j:], ldc, w.edge, min(mr, m-i), min(nr, n-j), accumulate)
				}
			}
		}
	}
}

// copyTile brings the upper left corner of a tile to C.
func copyTile(dst []float32, ldc int, tile []float32, m, n int, accumulate bool) {
	for r := range m {
		d, s := dst[r*ldc:][:n], tile[r*nr:][:n]
		if !accumulate {
			copy(d, s)
			continue
		}
		for x, v := range s {
			d[x] += v
		}
	}
}

// finishRows adds a bias per row to an m×n block and applies ReLU if asked.
func (c *Context) finishRows(dst []float32, ldc, m, n int, bias []float32, relu bool) {
	for r := range m {
		c.kernels.AddBias(dst[r*ldc:][:n], bias[r], relu)
	}
}
