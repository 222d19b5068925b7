//go:build amd64 && !noasm

package kernel

import "testing"

// BenchmarkFMAPeak measures multiply-adds on registers alone: what one core
// could reach if nothing had to be loaded.
func BenchmarkFMAPeak(b *testing.B) {
	if Peak == nil {
		b.Skip("needs AVX2 and FMA")
	}
	const turns = 1000
	for range b.N {
		Peak(turns)
	}
	reportGFLOPs(b, turns*PeakFLOP)
}
