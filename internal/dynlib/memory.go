package dynlib

import "unsafe"

// Bytes returns n bytes of C memory, which stays the library's.
func Bytes(address uintptr, n int) []byte {
	start := *(*unsafe.Pointer)(unsafe.Pointer(&address)) // C memory, unknown to the garbage collector
	return unsafe.Slice((*byte)(start), n)
}

// String copies a NUL-terminated string of C memory; "" at address 0.
func String(address uintptr) string {
	if address == 0 {
		return ""
	}
	n := 0
	for Bytes(address, n+1)[n] != 0 {
		n++
	}
	return string(Bytes(address, n))
}
