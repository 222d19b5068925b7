package codec

import "encoding/binary"

// The decoder's inner loops, in portable Go. kernels_amd64.s has twins of
// them; a test compares the two.

// prefixSumGo makes row the running sum of itself, starting from carry, plus
// above: modulo 256, with i from 0,
//
//	carry += row[i]
//	row[i] = carry + above[i]
//
// above may not overlap row, and is at least as long.
func prefixSumGo(row, above []byte, carry byte) {
	above = above[:len(row)]
	i := 0
	for ; i+8 <= len(row); i += 8 {
		v := binary.LittleEndian.Uint64(row[i:])
		// Bytes 0, 2, 4, 6 and 1, 3, 5, 7 are spread over lanes of 16 bits, which hold sums of
		// four bytes. One multiplication makes them running sums.
		const lanes, ones = 0x00ff00ff00ff00ff, 0x0001000100010001
		even, odd := (v&lanes)*ones, (v>>8&lanes)*ones
		start := uint64(carry) * ones
		atOdd := (even + odd + start) & lanes
		atEven := (even + odd<<16 + start) & lanes
		carry = byte(atOdd >> 48)
		sum := atEven | atOdd<<8
		binary.LittleEndian.PutUint64(row[i:], addLanes(sum, binary.LittleEndian.Uint64(above[i:])))
	}
	for ; i < len(row); i++ {
		carry += row[i]
		row[i] = carry + above[i]
	}
}

// addBytesGo adds above to row modulo 256. above is at least as long.
func addBytesGo(row, above []byte) {
	above = above[:len(row)]
	i := 0
	for ; i+8 <= len(row); i += 8 {
		sum := addLanes(binary.LittleEndian.Uint64(row[i:]), binary.LittleEndian.Uint64(above[i:]))
		binary.LittleEndian.PutUint64(row[i:], sum)
	}
	for ; i < len(row); i++ {
		row[i] += above[i]
	}
}

// addLanes adds eight bytes at once modulo 256.
func addLanes(a, b uint64) uint64 {
	const top = 0x8080808080808080
	return (a&^top + b&^top) ^ (a^b)&top
}

// mergeGo undoes split: rgb[3i:3i+3] = r[i]+g[i], g[i], b[i]+g[i]. rgb is three
// times as long as each of the planes.
func mergeGo(rgb, g, r, b []byte) {
	r, b = r[:len(g)], b[:len(g)]
	for i, v := range g {
		p := rgb[3*i:][:3]
		p[0], p[1], p[2] = r[i]+v, v, b[i]+v
	}
}
