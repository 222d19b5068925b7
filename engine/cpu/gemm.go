package cpu

// packedA returns the number of floats of an m×k matrix packed for the kernel: panels
// of MR rows, each k columns of MR values.
func (c *Context) packedA(m, k int) int { return roundUp(m, c.kernels.MR) * k }

// packPanel packs panel number i of an m×k matrix with contiguous rows, rs apart.
// Rows beyond m repeat the last one; the results for them are not used. It may write
// spill floats beyond the panel.
func (c *Context) packPanel(w *worker, dst, a []float32, m, k, rs, i int) {
	mr := c.kernels.MR
	// From the last rows to the first: a transposition writes extra columns, which later
	// rows overwrite.
	for first := (mr - 1) / len(w.rows) * len(w.rows); first >= 0; first -= len(w.rows) {
		for r := range w.rows {
			w.rows[r] = min(i*mr+first+r, m-1) * rs
		}
		c.kernels.PackTranspose(pointer(dst[first:]), mr, pointer(a), &w.rows[0], 1, k, 0)
	}
}

// packPanelTransposed packs panel number i of an m×k matrix whose columns are ps
// apart and contiguous. Rows beyond m become 0.
func (c *Context) packPanelTransposed(dst, a []float32, m, k, ps, i int) {
	mr := c.kernels.MR
	rows := min(mr, m-i*mr)
	for p := range k {
		d := dst[p*mr:][:mr]
		copy(d, a[i*mr+p*ps:][:rows])
		clear(d[rows:])
	}
}

// spill is the number of floats beyond its end that a packing kernel may write: the rows
// of a panel in PackTranspose, and a little more.
func (c *Context) spill() int { return c.kernels.Lanes * c.kernels.NR }

// packedB returns the number of floats of a k×n block packed for the kernel: panels
// of NR columns, each k rows of NR values.
func (c *Context) packedB(k, n int) int { return roundUp(n, c.kernels.NR) * k }

// packTransposed packs a block of B. offsets has the beginning in src of each of n columns:
// runs of length values, stride apart. The list is padded to a multiple of NR.
func (c *Context) packTransposed(dst, src []float32, offsets []int, n, runs, length, stride int) {
	nr := c.kernels.NR
	for x := 0; x < n; x += c.kernels.TransposeRows {
		panel := dst[x/nr*nr*runs*length+x%nr:]
		c.kernels.PackTranspose(pointer(panel), nr, pointer(src), &offsets[x], runs, length, stride)
	}
}

// multiply computes C (m×n, row stride ldc) = A·B, or += with accumulate. Panel i of
// A, packed, starts at a[i·stride]. B is packed; the contents of its last panel
// beyond n do not matter.
func (c *Context) multiply(w *worker, m, n, k int, a []float32, stride int, b, dst []float32, ldc int, accumulate bool) {
	mr, nr, block := c.kernels.MR, c.kernels.NR, c.kernels.Block.M
	for i0 := 0; i0 < m; i0 += block {
		for j := 0; j < n; j += nr {
			gemm, width := c.kernels.Gemm, nr
			if c.kernels.GemmHalf != nil && n-j <= nr/2 {
				gemm, width = c.kernels.GemmHalf, nr/2
			}
			for i := i0; i < min(m, i0+block); i += mr {
				pa, pb := pointer(a[i/mr*stride:]), pointer(b[j*k:])
				if i+mr <= m && j+width <= n {
					gemm(k, pa, pb, pointer(dst[i*ldc+j:]), ldc, accumulate)
				} else {
					gemm(k, pa, pb, pointer(w.edge), nr, false)
					copyTile(dst[i*ldc+j:], ldc, w.edge, nr, min(mr, m-i), min(nr, n-j), accumulate)
				}
			}
		}
	}
}

// copyTile copies the upper left corner of a tile with rows nr apart to C.
func copyTile(dst []float32, ldc int, tile []float32, nr, m, n int, accumulate bool) {
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

// finishRows adds a bias per row to an m×n block, and applies ReLU if relu is set.
func (c *Context) finishRows(dst []float32, ldc, m, n int, bias []float32, relu bool) {
	for r := range m {
		c.kernels.AddBias(dst[r*ldc:][:n], bias[r], relu)
	}
}
