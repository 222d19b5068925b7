//go:build amd64 && !noasm

package augment

import "golang.org/x/sys/cpu"

// useAVX chooses the assembly. Tests turn it off.
var useAVX = cpu.X86.HasAVX

// mirror is mirrorGo. The assembly takes groups of 16 pixels, the last of the
// row; the first are left to the portable loop.
func mirror(dst, src []byte) {
	const group = 3 * 16
	if n := len(src) / group * group; useAVX && n > 0 {
		mirrorAVX(dst[:n], src[len(src)-n:])
		dst, src = dst[n:], src[:len(src)-n]
	}
	mirrorGo(dst, src)
}

// planes is planesGo. The assembly takes groups of 16 pixels, the first ones.
func planes(r, g, b, rgb []byte) {
	n := len(r) / 16 * 16
	if !useAVX || n == 0 {
		n = 0
	} else {
		planesAVX(&r[0], &g[0], &b[0], rgb[:3*n])
	}
	planesGo(r[n:], g[n:], b[n:], rgb[3*n:])
}
