package nvidia

import (
	"bytes"
	"unsafe"
)

// pointer is the address of memory that C owns.
func pointer(address uintptr) unsafe.Pointer {
	return *(*unsafe.Pointer)(unsafe.Pointer(&address)) // C memory, unknown to the garbage collector
}

// address returns the address of a variable that C writes to. The variable is put on the
// heap, since a goroutine's stack may move before the call. The caller keeps it alive by
// using it afterwards.
func address[T any](p *T) uintptr {
	escape(unsafe.Pointer(p))
	return uintptr(unsafe.Pointer(p))
}

// start returns the beginning of a slice's memory, 0 for a nil slice. As with
// address, the memory is on the heap and the caller keeps it alive.
func start[T any](s []T) uintptr {
	p := unsafe.Pointer(unsafe.SliceData(s))
	escape(p)
	return uintptr(p)
}

// escape makes the compiler put the memory at p on the heap.
func escape(p unsafe.Pointer) {
	if escaping {
		escaped = p
	}
}

var (
	escaping bool // is never set
	escaped  unsafe.Pointer
)

// terminated returns text with C's final zero.
func terminated(text string) []byte { return append([]byte(text), 0) }

// upToZero returns the text before the first zero byte.
func upToZero(b []byte) string {
	if i := bytes.IndexByte(b, 0); i >= 0 {
		b = b[:i]
	}
	return string(b)
}
