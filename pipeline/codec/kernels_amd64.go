//go:build amd64 && !noasm

package codec

import "golang.org/x/sys/cpu"

//go:generate go run -modfile=../../tools/generate/avo.mod ./_generate -pkg codec -out kernels_amd64.s -stubs kernels_stubs_amd64.go

// useAVX and useBMI2 choose the assembly. Tests turn them off.
var useAVX, useBMI2 = cpu.X86.HasAVX, cpu.X86.HasBMI2

// The assembly takes whole groups of 16 bytes (or pixels); the rest of a row is
// left to the portable loops.
const group = 16

func prefixSum(row, above []byte, carry byte) {
	if n := len(row) &^ (group - 1); useAVX && n > 0 {
		carry = prefixSumAVX(row[:n], above[:n], carry)
		row, above = row[n:], above[n:]
	}
	prefixSumGo(row, above, carry)
}

func addBytes(row, above []byte) {
	if n := len(row) &^ (group - 1); useAVX && n > 0 {
		addBytesAVX(row[:n], above[:n])
		row, above = row[n:], above[n:]
	}
	addBytesGo(row, above)
}

func merge(rgb, g, r, b []byte) {
	if n := len(g) &^ (group - 1); useAVX && n > 0 {
		mergeAVX(rgb[:3*n], g[:n], r[:n], b[:n])
		rgb, g, r, b = rgb[3*n:], g[n:], r[n:], b[n:]
	}
	mergeGo(rgb, g, r, b)
}

func split(g, r, b, rgb []byte) {
	if n := len(g) &^ (group - 1); useAVX && n > 0 {
		splitAVX(g[:n], r[:n], b[:n], rgb[:3*n])
		g, r, b, rgb = g[n:], r[n:], b[n:], rgb[3*n:]
	}
	splitGo(g, r, b, rgb)
}

func encodeSymbols(out, src []byte, codes *[256]code) (pos int, acc uint64, have uint) {
	if !useBMI2 || len(src) < 4 {
		return encodeSymbolsGo(out, src, codes)
	}
	_ = out[(len(src)*longestCode+7)/8+7]
	return encodeSymbolsBMI2(&out[0], src, &codes[0].code)
}

func residuals3(left, up, gradient, row, above []byte) (costs [3]int) {
	n := len(left) &^ (group - 1)
	if !useAVX || n == 0 {
		return residuals3Go(left, up, gradient, row, above)
	}
	l, u, g := residuals3AVX(left[:n], up[:n], gradient[:n], row[:n+1], above[:n+1])
	costs = residuals3Go(left[n:], up[n:], gradient[n:], row[n:], above[n:])
	costs[predictLeft] += l
	costs[predictUp] += u
	costs[predictGradient] += g
	return costs
}
