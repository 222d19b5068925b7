package collective

import (
	"math"
	"unsafe"
)

// Wire is the format of values between ranks.
type Wire uint8

const (
	// Float32 sends values as they are.
	Float32 Wire = iota
	// BFloat16 rounds values to the nearest bfloat16, ties to even: half the bytes.
	// They are added up in float32, and the sum is rounded once more.
	BFloat16
)

// Width returns the number of bytes of an encoded value.
func (f Wire) Width() int {
	if f == BFloat16 {
		return 2
	}
	return 4
}

// Encode returns values in this format. For Float32 the result shares their memory.
func (f Wire) Encode(values []float32) []byte {
	if f == Float32 {
		return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(values))), 4*len(values))
	}
	out := make([]byte, 2*len(values))
	f.Put(out, values)
	return out
}

// Put writes encoded values to the start of dst, which must have float32's alignment.
func (f Wire) Put(dst []byte, values []float32) {
	if len(values) == 0 {
		return
	}
	if f == Float32 {
		copy(unsafe.Slice((*float32)(unsafe.Pointer(&dst[0])), len(values)), values)
		return
	}
	out := unsafe.Slice((*uint16)(unsafe.Pointer(&dst[0])), len(values))
	for i, v := range values {
		out[i] = bfloat16(v)
	}
}

// Accumulate adds encoded values to total.
func (f Wire) Accumulate(total []float32, src []byte) {
	if len(total) == 0 {
		return
	}
	if f == Float32 {
		for i, v := range unsafe.Slice((*float32)(unsafe.Pointer(&src[0])), len(total)) {
			total[i] += v
		}
		return
	}
	for i, v := range unsafe.Slice((*uint16)(unsafe.Pointer(&src[0])), len(total)) {
		total[i] += math.Float32frombits(uint32(v) << 16)
	}
}

// Decode overwrites values with decoded ones. For Float32 they are there already,
// since Encode shares memory.
func (f Wire) Decode(values []float32, src []byte) {
	if f == Float32 || len(values) == 0 {
		return
	}
	for i, v := range unsafe.Slice((*uint16)(unsafe.Pointer(&src[0])), len(values)) {
		values[i] = math.Float32frombits(uint32(v) << 16)
	}
}

// bfloat16 rounds v to the nearest bfloat16, ties to even.
func bfloat16(v float32) uint16 {
	b := math.Float32bits(v)
	if v != v {
		return uint16(b>>16) | 1<<6
	}
	return uint16((b + 1<<15 - 1 + b>>16&1) >> 16)
}
