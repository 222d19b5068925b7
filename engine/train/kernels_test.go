package train

import (
	"testing"
)

func TestCommonKernels(t *testing.T) {
	for want, lists := range map[string][]string{
		"avx512":   {"portable avx2 avx512", "portable avx2 avx512"},
		"avx2":     {"portable avx2 avx512", "portable avx2", "portable avx2 avx512"},
		"portable": {"portable neon", "portable avx2"},
		"":         {"avx2", "neon"},
	} {
		var all [][]byte
		for _, l := range lists {
			all = append(all, []byte(l))
		}
		if got := commonKernels(all); got != want {
			t.Errorf("%q have %q in common, want %q", lists, got, want)
		}
	}
}
