//go:build amd64 && !noasm

package jpeg

import (
	"unsafe"

	"golang.org/x/sys/cpu"
)

//go:generate go run -modfile=../../tools/generate/avo.mod ./_generate -pkg jpeg -out kernels_amd64.s -stubs kernels_stubs_amd64.go

// useAVX2 chooses the assembly. Tests turn it off to compare.
var useAVX2 = cpu.X86.HasAVX2 && cpu.X86.HasBMI1 && cpu.X86.HasBMI2

// useAVX512 chooses AVX-512's kernels, if useAVX2 is set, too.
var useAVX512 = cpu.X86.HasAVX512F && cpu.X86.HasAVX512BW

// The assembly's layout of a unit and a huffman.
const (
	_ = -(unsafe.Sizeof(unit{}) ^ 32) - (unsafe.Offsetof(unit{}.prediction) ^ 24)
	_ = -(unsafe.Offsetof(huffman{}.couples) ^ 2<<lookBits)
)

func coefficients(data []byte, c *cursor, units []unit, i, k int) (at, k1 int) {
	if !useAVX2 {
		return coefficientsGo(data, c, units, i, k)
	}
	_ = data[c.pos+padding-16] // the farthest byte that an MCU reads
	const size = int(unsafe.Sizeof(unit{}))
	i, k = coefficientsBMI2(&data[0], &c.pos, &units[0].block, len(units)*size, i*size, k, &places[0])
	return i / size, k
}

func inversePair(dst []byte, stride int, coefs []int16, divisors *[pair]int16) {
	if !useAVX2 {
		inversePairGo(dst, stride, coefs, divisors)
		return
	}
	_, _ = dst[7*stride+15], coefs[pair-1]
	inversePairAVX2(&dst[0], stride, &coefs[0], &divisors[0])
}

// inverseTwo is inversePairGo for two pairs.
func inverseTwo(dst, second []byte, stride int, coefs *[2][pair]int16, divisors *[pair]int16) {
	if !useAVX2 || !useAVX512 {
		inversePair(dst, stride, coefs[0][:], divisors)
		inversePair(second, stride, coefs[1][:], divisors)
		return
	}
	_, _ = dst[7*stride+15], second[7*stride+15]
	inverseTwoAVX512(&dst[0], &second[0], stride, &coefs[0][0], &divisors[0])
}

func convert(rgb, luma, blues, reds []byte, mirrored bool) {
	n := len(luma) &^ 15
	switch last := len(luma) - 16; {
	case !useAVX2 || n == 0:
		n = 0
	case mirrored: // begin with the last pixels
		_ = rgb[3*n-1]
		convertMirroredAVX2(&rgb[0], &luma[last], &blues[last], &reds[last], n/16)
		rest := len(luma) - n
		convertGo(rgb[3*n:], luma[:rest], blues[:rest], reds[:rest], true)
		return
	default:
		_, _, _ = rgb[3*n-1], blues[n-1], reds[n-1]
		convertAVX2(&rgb[0], &luma[0], &blues[0], &reds[0], n/16)
	}
	convertGo(rgb[3*n:], luma[n:], blues[n:], reds[n:], mirrored)
}

// doubleInside makes the pixels of the samples from number 1 on, as doubleRowsGo does,
// and returns the number of these samples.
func doubleInside(out, this, near []byte) int {
	const block = 32
	n := len(this) - 2
	if !useAVX2 || n < block {
		return 0
	}
	_, _ = out[2*n+1], near[n+1]
	doubleRowsAVX2(&out[0], &this[0], &near[0], n/block)
	if n%block > 0 { // the last block, which repeats some samples
		last := n - block
		doubleRowsAVX2(&out[2*last], &this[last], &near[last], 1)
	}
	return n
}
