//go:build amd64 && !noasm

package baseline

import "golang.org/x/sys/cpu"

//go:generate sh -c "cd _generate && go run . -pkg baseline -out ../kernels_amd64.s -stubs ../kernels_stubs_amd64.go"

// useAVX2 chooses the assembly. Tests turn it off to compare.
var useAVX2 = cpu.X86.HasAVX2 && cpu.X86.HasBMI1 && cpu.X86.HasBMI2

func coefficients(data []byte, c *cursor, k int, b []int16, dc, ac *[1 << lookBits]symbol, prediction *int32) (at int, done bool) {
	if !useAVX2 {
		return coefficientsGo(data, c, k, b, dc, ac, prediction)
	}
	_, _ = data[c.pos+padding-16], b[place(63)] // as far as a block can reach
	return coefficientsBMI2(&data[0], &c.pos, k, &b[0], &dc[0], &ac[0], &places[0], prediction)
}

func inversePair(dst []byte, stride int, coefs []int16, divisors *[pair]int16) {
	if !useAVX2 {
		inversePairGo(dst, stride, coefs, divisors)
		return
	}
	_, _ = dst[7*stride+15], coefs[pair-1]
	inversePairAVX2(&dst[0], stride, &coefs[0], &divisors[0])
}
