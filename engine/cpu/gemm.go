package cpu

import "alexnet/engine/cpu/internal/kernel"

const (
	mr = kernel.MR
	nr = kernel.NR
	// blockK is the depth of one pass over a block: a panel of B (blockK × nr
	// floats) takes half of a 32 KB first-level cache.
	blockK = 256
	// blockN is the widest piece of B packed at a time: blockK × blockN floats
	// take less than half of a 512 KB second-level cache.
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

// spill is how many floats beyond its end a packing kernel may touch when the
// rows it writes are ld apart.
func spill(ld int) int { return 8*ld + 8 }

// multiply computes C (m×n, row stride ldc) = A·B, or += with accumulate. Panel
// i of A, packed, starts at a[i·stride]; B has k rows, ldb apart, and at least
// n values rounded up to nr in each.
func (c *Context) multiply(w *worker, m, n, k int, a []float32, stride int, b []float32, ldb int, dst []float32, ldc int, accumulate bool) {
	gemm := c.kernels.Gemm
	for j := 0; j < n; j += nr {
		for i := 0; i < m; i += mr {
			pa, pb := pointer(a[i/mr*stride:]), pointer(b[j:])
			if i+mr <= m && j+nr <= n {
				gemm(k, pa, pb, ldb, pointer(dst[i*ldc+j:]), ldc, accumulate)
				continue
			}
			gemm(k, pa, pb, ldb, pointer(w.edge), nr, false)
			for r := range min(mr, m-i) {
				d, s := dst[(i+r)*ldc+j:][:min(nr, n-j)], w.edge[r*nr:]
				if accumulate {
					for x := range d {
						d[x] += s[x]
					}
				} else {
					copy(d, s)
				}
			}
		}
	}
}

// finishRows adds a bias per row to an m×n block and applies ReLU if asked.
func (c *Context) finishRows(dst []float32, ldc, m, n int, bias []float32, relu bool) {
	for r := range m {
		c.kernels.AddBias(dst[r*ldc:][:n], bias[r], relu)
	}
}
