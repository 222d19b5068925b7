package jpeg

// The constants of the accurate integer DCT of the Independent JPEG Group
// (Loeffler, Ligtenberg and Moschytz, 1989, figure 1), times 2^13.
const (
	c0298 = 2446
	c0390 = 3196
	c0541 = 4433
	c0765 = 6270
	c0899 = 7373
	c1175 = 9633
	c1501 = 12299
	c1847 = 15137
	c1961 = 16069
	c2053 = 16819
	c2562 = 20995
	c3072 = 25172
)

// The first pass keeps pass1Bits of fraction.
const (
	constBits = 13
	pass1Bits = 2
)

// inversePairGo overwrites eight rows of 16 bytes of dst, stride apart, with the inverse
// DCT of a pair of blocks of coefficients times divisors, plus 128, limited to 0–255.
// Sums that overflow 16 bits, which no encoder makes, have SIMD's results.
func inversePairGo(dst []byte, stride int, coefs []int16, divisors *[pair]int16) {
	var work [64]int16
	for b := range 2 {
		for x := range 8 {
			var in [8]int16
			for y := range in {
				at := 16*y + 8*b + x
				in[y] = coefs[at] * divisors[at]
			}
			out := inverse8(in, constBits-pass1Bits)
			for y, v := range out {
				work[8*y+x] = v
			}
		}
		for y := range 8 {
			out := inverse8([8]int16(work[8*y:]), constBits+pass1Bits+3)
			row := dst[y*stride+8*b:][:8]
			for x, v := range out {
				row[x] = byte(max(-128, min(127, v)) + 128)
			}
		}
	}
}

// inverse8 is the one-dimensional inverse DCT, rounded to shift bits less and limited to
// 16 bits.
func inverse8(in [8]int16, shift uint) (out [8]int16) {
	i := func(v int16) int32 { return int32(v) }
	// Even coefficients.
	low, high := i(in[0]+in[4])<<constBits, i(in[0]-in[4])<<constBits
	t2 := i(in[2])*c0541 + i(in[6])*(c0541-c1847)
	t3 := i(in[2])*(c0541+c0765) + i(in[6])*c0541
	even := [4]int32{low + t3, high + t2, high - t2, low - t3}
	// Odd coefficients.
	z3, z4 := in[7]+in[3], in[5]+in[1]
	y3 := i(z3)*(c1175-c1961) + i(z4)*c1175
	y4 := i(z3)*c1175 + i(z4)*(c1175-c0390)
	odd := [4]int32{
		i(in[7])*-c0899 + i(in[1])*(c1501-c0899) + y4,
		i(in[5])*-c2562 + i(in[3])*(c3072-c2562) + y3,
		i(in[5])*(c2053-c2562) + i(in[3])*-c2562 + y4,
		i(in[7])*(c0298-c0899) + i(in[1])*-c0899 + y3,
	}
	round := int32(1) << shift >> 1
	for k := range 4 {
		out[k] = saturate((even[k] + odd[k] + round) >> shift)
		out[7-k] = saturate((even[k] - odd[k] + round) >> shift)
	}
	return out
}

func saturate(v int32) int16 { return int16(max(-1<<15, min(1<<15-1, v))) }

// inversePair12 is inversePairGo for samples of 12 bits. It writes their highest eight,
// and sums in 32 bits.
func inversePair12(dst []byte, stride int, coefs []int16, divisors *[pair]int16) {
	const pass1Bits = 1
	var work [64]int32
	for b := range 2 {
		for x := range 8 {
			var in [8]int32
			for y := range in {
				at := 16*y + 8*b + x
				in[y] = int32(coefs[at]) * int32(divisors[at])
			}
			for y, v := range wideInverse8(in, constBits-pass1Bits) {
				work[8*y+x] = int32(v)
			}
		}
		for y := range 8 {
			row := dst[y*stride+8*b:][:8]
			for x, v := range wideInverse8([8]int32(work[8*y:]), constBits+pass1Bits+3) {
				row[x] = byte(max(0, min(1<<12-1, v+1<<11)) >> 4)
			}
		}
	}
}

// wideInverse8 is inverse8 in 64 bits.
func wideInverse8(in [8]int32, shift uint) (out [8]int64) {
	i := func(v int32) int64 { return int64(v) }
	low, high := (i(in[0])+i(in[4]))<<constBits, (i(in[0])-i(in[4]))<<constBits
	t2 := i(in[2])*c0541 + i(in[6])*(c0541-c1847)
	t3 := i(in[2])*(c0541+c0765) + i(in[6])*c0541
	even := [4]int64{low + t3, high + t2, high - t2, low - t3}
	z3, z4 := i(in[7])+i(in[3]), i(in[5])+i(in[1])
	y3 := z3*(c1175-c1961) + z4*c1175
	y4 := z3*c1175 + z4*(c1175-c0390)
	odd := [4]int64{
		i(in[7])*-c0899 + i(in[1])*(c1501-c0899) + y4,
		i(in[5])*-c2562 + i(in[3])*(c3072-c2562) + y3,
		i(in[5])*(c2053-c2562) + i(in[3])*-c2562 + y4,
		i(in[7])*(c0298-c0899) + i(in[1])*-c0899 + y3,
	}
	round := int64(1) << shift >> 1
	for k := range 4 {
		out[k] = (even[k] + odd[k] + round) >> shift
		out[7-k] = (even[k] - odd[k] + round) >> shift
	}
	return out
}
