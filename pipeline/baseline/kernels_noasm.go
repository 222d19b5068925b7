//go:build !amd64 || noasm

package baseline

func coefficients(data []byte, c *cursor, k int, b []int16, dc, ac *[1 << lookBits]symbol, prediction *int32) (at int, done bool) {
	return coefficientsGo(data, c, k, b, dc, ac, prediction)
}

func inversePair(dst []byte, stride int, coefs []int16, divisors *[pair]int16) {
	inversePairGo(dst, stride, coefs, divisors)
}
