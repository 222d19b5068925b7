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
