//go:build amd64 && !noasm

package augment

import (
	"math/rand/v2"
	"testing"
)

// TestSumsAVX2 compares the assembly with its portable twin for every number of
// pixels over several groups, and for as many white ones as would overflow 32
// bits.
func TestSumsAVX2(t *testing.T) {
	if !useAVX2 {
		t.Skip("no AVX2 here")
	}
	defer func() { useAVX2 = true }()
	white := make([]byte, 3*600_000)
	for i := range white {
		white[i] = 255
	}
	noise := make([]byte, 3*70+1)
	for i := range noise {
		noise[i] = byte(rand.Uint32())
	}
	inputs := [][]byte{white}
	for pixels := range 70 {
		inputs = append(inputs, noise[1:][:3*pixels])
	}
	for _, rgb := range inputs {
		var got [2]Sums
		for i := range got {
			useAVX2 = i == 1
			got[i].Add([]byte{3, 1, 4})
			got[i].Add(rgb)
		}
		if got[0] != got[1] {
			t.Errorf("%d pixels: assembly gives %+v, portable Go %+v", len(rgb)/3, got[1], got[0])
		}
	}
}
