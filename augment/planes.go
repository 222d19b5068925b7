package augment

import "fmt"

// Planes writes the RGB pixels of a picture channel by channel: the red values of all
// pixels, then the green, then the blue ones. The slices have the same length and must
// not overlap.
func Planes(dst, rgb []byte) {
	n := len(rgb) / 3
	if len(dst) != len(rgb) || 3*n != len(rgb) {
		panic(fmt.Sprintf("augment: Planes of %d bytes to %d", len(rgb), len(dst)))
	}
	planes(dst[:n:n], dst[n:2*n:2*n], dst[2*n:], rgb)
}

// planesGo is Planes in portable Go. kernels_amd64.s has its twin; a test compares
// the two.
func planesGo(r, g, b, rgb []byte) {
	g, b = g[:len(r)], b[:len(r)]
	for i := range r {
		p := rgb[3*i:][:3]
		r[i], g[i], b[i] = p[0], p[1], p[2]
	}
}
