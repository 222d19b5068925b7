package augment

import "encoding/binary"

//go:generate go run -modfile=../tools/generate/avo.mod ./_generate -pkg augment -out kernels_amd64.s -stubs kernels_stubs_amd64.go

// MirrorRow writes the RGB pixels of src to dst in reverse order:
//
//	dst[3i+c] = src[3(w−1−i)+c],  w = len(src)/3
//
// The slices have the same length, a multiple of three, and don't overlap. The
// pixels are turned round in the first-level cache and then copied: memory that
// is written from its end takes twice as long.
func MirrorRow(dst, src []byte) {
	var line [3 * 256]byte
	for len(src) > 0 {
		n := min(len(src), len(line))
		mirror(line[:n], src[len(src)-n:])
		copy(dst, line[:n])
		dst, src = dst[n:], src[:len(src)-n]
	}
}

// mirrorGo is MirrorRow for short rows, in portable Go. kernels_amd64.s has its
// twin; a test compares the two.
func mirrorGo(dst, src []byte) {
	for len(src) >= 24 {
		mirror8((*[24]byte)(dst), (*[24]byte)(src[len(src)-24:]))
		dst, src = dst[24:], src[:len(src)-24]
	}
	for len(src) > 0 {
		copy(dst[:3], src[len(src)-3:])
		dst, src = dst[3:], src[:len(src)-3]
	}
}

// mirror8 reverses eight pixels. They are three words of eight bytes; pixels 2
// and 5 lie across two of them.
func mirror8(dst, src *[24]byte) {
	const pixel = 1<<24 - 1
	a := binary.LittleEndian.Uint64(src[0:])
	b := binary.LittleEndian.Uint64(src[8:])
	c := binary.LittleEndian.Uint64(src[16:])
	p2 := a>>48 | b<<16&pixel
	p5 := b>>56 | c<<8&pixel
	binary.LittleEndian.PutUint64(dst[0:], c>>40|c>>16&pixel<<24|p5<<48)
	binary.LittleEndian.PutUint64(dst[8:], p5>>16|b>>32&pixel<<8|b>>8&pixel<<32|p2<<56)
	binary.LittleEndian.PutUint64(dst[16:], p2>>8|a>>24&pixel<<16|a<<40)
}
