//go:build amd64 && !noasm

package kernel

func split(dst, src *float32, stride, phase int) {
	switch {
	case stride == 2 && phase >= 8:
		split2AVX2(dst, src, phase)
	case stride == 4 && phase >= 8:
		split4AVX2(dst, src, phase)
	default:
		splitGo(dst, src, stride, phase)
	}
}
