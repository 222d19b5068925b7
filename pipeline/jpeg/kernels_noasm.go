//go:build !amd64 || noasm

package jpeg

const useAVX2 = false

func coefficients(data []byte, c *cursor, units []unit, i, k int) (unit, at int) {
	return coefficientsGo(data, c, units, i, k)
}

func inverseTwo(dst, second []byte, stride int, coefs *[2][pair]int16, divisors *[pair]int16) {
	inversePairGo(dst, stride, coefs[0][:], divisors)
	inversePairGo(second, stride, coefs[1][:], divisors)
}

func inversePair(dst []byte, stride int, coefs []int16, divisors *[pair]int16) {
	inversePairGo(dst, stride, coefs, divisors)
}

func convert(rgb, luma, blues, reds []byte, mirrored bool) {
	convertGo(rgb, luma, blues, reds, mirrored)
}

func doubleInside(out, this, near []byte) int { return 0 }
