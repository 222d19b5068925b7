package augment

import "encoding/binary"

// mirrorRow writes the RGB pixels of src to dst in reverse order:
//
//	dst[3i+c] = src[3(w−1−i)+c],  w = len(src)/3
//
// The slices have the same length, a multiple of three, and don't overlap.
//
// A pixel is moved as four bytes. The fourth belongs to the next pixel of dst,
// which is written next; so the last pixel, and the one whose fourth byte would
// lie past src, are moved as three.
func mirrorRow(dst, src []byte) {
	from, to := len(src)-3, 0
	if from < 0 {
		return
	}
	dst = dst[:len(src)]
	copy(dst[:3], src[from:])
	for to, from = 3, from-3; from > 0; to, from = to+3, from-3 {
		binary.LittleEndian.PutUint32(dst[to:], binary.LittleEndian.Uint32(src[from:]))
	}
	if from == 0 {
		copy(dst[to:], src[:3])
	}
}
