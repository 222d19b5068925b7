//go:build amd64 && !noasm

package augment

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// TestMirrorAVX compares the assembly with its portable twin for every width
// over several groups and starts that are not aligned, with guards on both sides.
func TestMirrorAVX(t *testing.T) {
	if !useAVX {
		t.Skip("no AVX here")
	}
	defer func() { useAVX = true }()
	const guard = 40
	for pixels := range 70 {
		for shift := range 5 {
			n := 3 * pixels
			src := make([]byte, shift+n)
			for i := range src {
				src[i] = byte(rand.Uint32())
			}
			var got [2][]byte
			for i := range got {
				useAVX = i == 1
				got[i] = bytes.Repeat([]byte{77}, guard+n+guard)
				mirror(got[i][guard:guard+n], src[shift:])
			}
			if !bytes.Equal(got[0], got[1]) {
				t.Fatalf("%d pixels, shifted by %d: assembly gives\n%v, portable Go\n%v", pixels, shift, got[1], got[0])
			}
		}
	}
}
