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

// TestPlanesAVX does the same for Planes.
func TestPlanesAVX(t *testing.T) {
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
				Planes(got[i][guard:guard+n], src[shift:])
			}
			if !bytes.Equal(got[0], got[1]) {
				t.Fatalf("%d pixels, shifted by %d: assembly gives\n%v, portable Go\n%v", pixels, shift, got[1], got[0])
			}
		}
	}
}

func BenchmarkPlanes(b *testing.B) {
	defer func() { useAVX = true }()
	src, dst := make([]byte, 3*224*224), make([]byte, 3*224*224)
	for _, avx := range []bool{false, true} {
		b.Run(map[bool]string{false: "go", true: "avx"}[avx], func(b *testing.B) {
			useAVX = avx
			b.SetBytes(int64(len(src)))
			for b.Loop() {
				Planes(dst, src)
			}
		})
	}
}
