//go:build !amd64 || noasm

package codec

func prefixSum(row, above []byte, carry byte) { prefixSumGo(row, above, carry) }
func addBytes(row, above []byte)              { addBytesGo(row, above) }
func merge(rgb, g, r, b []byte)               { mergeGo(rgb, g, r, b) }

func encodeSymbols(out, src []byte, codes *[256]code) (pos int, acc uint64, have uint) {
	return encodeSymbolsGo(out, src, codes)
}

func split(g, r, b, rgb []byte) { splitGo(g, r, b, rgb) }

func residuals3(left, up, gradient, row, above []byte) [3]int {
	return residuals3Go(left, up, gradient, row, above)
}
