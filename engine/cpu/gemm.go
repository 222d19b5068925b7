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
	blockN = 192
)

// packedA is the number of floats of an m×k matrix packed for the kernel:
// panels of mr rows, each k columns of mr values.
func packedA(m, k int) int { return roundUp(m, mr) * k }

// packRows packs panel number i of an m×k matrix whose element (r,p) is
// a[r·rs + p·ps]. Rows beyond m become 0.
func packRows(dst, a []float32, m, k, rs, ps, i int) {
	rows := min(mr, m-i*mr)
	if rows == mr && ps == 1 {
		r0 := a[(i*mr+0)*rs:][:k]
		r1 := a[(i*mr+1)*rs:][:k]
		r2 := a[(i*mr+2)*rs:][:k]
		r3 := a[(i*mr+3)*rs:][:k]
		r4 := a[(i*mr+4)*rs:][:k]
		r5 := a[(i*mr+5)*rs:][:k]
		for p := range k {
			d := dst[p*mr:][:mr:mr]
			d[0], d[1], d[2], d[3], d[4], d[5] = r0[p], r1[p], r2[p], r3[p], r4[p], r5[p]
		}
		return
	}
	for p := range k {
		d := dst[p*mr:][:mr:mr]
		for r := range rows {
			d[r] = a[(i*mr+r)*rs+p*ps]
		}
		clear(d[rows:])
	}
}

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
// NaN stays NaN.
func finishRows(dst []float32, ldc, m, n int, bias []float32, relu bool) {
	for r := range m {
		row, b := dst[r*ldc:][:n], bias[r]
		if relu {
			for i, v := range row {
				if v += b; v < 0 {
					v = 0
				}
				row[i] = v
			}
		} else {
			for i := range row {
				row[i] += b
			}
		}
	}
}
