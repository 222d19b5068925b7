package bf16

import "math"

func squaresGo(sq *float32, ldq int, x *uint16, ldx int, rows, n int) {
	for r := range rows {
		for i := range n {
			v := Float(*At(x, r*ldx+i))
			*At(sq, r*ldq+i) = v * v
		}
	}
}

// lrnScale is s and s^¾ for the window that begins at sq.
func lrnScale(sq *float32, size int, k, alpha float32) (s, power float32) {
	var sum float32
	for t := range size {
		sum += *At(sq, t)
	}
	s = k + alpha*sum
	half := float32(math.Sqrt(float64(s)))
	return s, half * float32(math.Sqrt(float64(half)))
}

func lrnForwardGo(y, x *uint16, ldx int, sq *float32, ldq int, rows, n, size int, k, alpha float32) {
	for r := range rows {
		for i := range n {
			_, p := lrnScale(At(sq, r*ldq+i), size, k, alpha)
			*At(y, r*ldx+i) = Round(Float(*At(x, r*ldx+i)) / p)
		}
	}
}

func lrnTermsGo(ratio, direct *float32, ldr int, x, dy *uint16, ldx int, sq *float32, ldq int, rows, n, size int, k, alpha float32) {
	for r := range rows {
		for i := range n {
			s, p := lrnScale(At(sq, r*ldq+i), size, k, alpha)
			g := Float(*At(dy, r*ldx+i)) / p
			*At(direct, r*ldr+i) = g
			*At(ratio, r*ldr+i) = g * Float(*At(x, r*ldx+i)) / s
		}
	}
}

func lrnCombineGo(dx, x *uint16, ldx int, ratio, direct *float32, ldr int, rows, n, size int, factor float32) {
	for r := range rows {
		for i := range n {
			var sum float32
			for t := range size {
				sum += *At(ratio, r*ldr+i+t)
			}
			*At(dx, r*ldx+i) = Round(*At(direct, r*ldr+i) - factor*Float(*At(x, r*ldx+i))*sum)
		}
	}
}
