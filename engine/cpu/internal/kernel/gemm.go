package kernel

import "unsafe"

// gemmGo is the portable Gemm of mr×nr tiles. It works on four columns and two rows at a
// time, so that their sums may stay in registers.
func gemmGo(mr, nr int) func(k int, a, b, c *float32, ldc int, accumulate bool) {
	return func(k int, a, b, c *float32, ldc int, accumulate bool) {
		as := unsafe.Slice(a, k*mr)
		bs := unsafe.Slice(b, k*nr)
		cs := unsafe.Slice(c, (mr-1)*ldc+nr)
		for j := 0; j < nr; j += 4 {
			for i := 0; i < mr; i += 2 {
				var c00, c01, c02, c03, c10, c11, c12, c13 float32
				for p := 0; p < k; p++ {
					br := bs[p*nr+j:][:4:4]
					x, y := as[p*mr+i], as[p*mr+i+1]
					c00 += x * br[0]
					c01 += x * br[1]
					c02 += x * br[2]
					c03 += x * br[3]
					c10 += y * br[0]
					c11 += y * br[1]
					c12 += y * br[2]
					c13 += y * br[3]
				}
				r, s := cs[i*ldc+j:][:4:4], cs[(i+1)*ldc+j:][:4:4]
				if accumulate {
					r[0], r[1], r[2], r[3] = r[0]+c00, r[1]+c01, r[2]+c02, r[3]+c03
					s[0], s[1], s[2], s[3] = s[0]+c10, s[1]+c11, s[2]+c12, s[3]+c13
				} else {
					r[0], r[1], r[2], r[3] = c00, c01, c02, c03
					s[0], s[1], s[2], s[3] = c10, c11, c12, c13
				}
			}
		}
	}
}
