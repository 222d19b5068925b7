package clib

import (
	"encoding/binary"
	"sync"
	"unsafe"

	"alexnet/internal/dynlib"
)

// glibc holds the address of the C library's stderr variable and of a stream to nowhere.
// Debian's libjxl prints lines of its source to stderr for each damaged picture. In other
// C libraries stderr is a constant, so libjxl's lines are shown there.
var glibc = sync.OnceValue(func() (c struct{ stderr, nowhere uintptr }) {
	handle, err := dynlib.Open("libc.so.6", false)
	if err != nil {
		return c
	}
	if _, err := dynlib.Symbol(handle, "gnu_get_libc_version"); err != nil {
		return c
	}
	stderr, err1 := dynlib.Symbol(handle, "stderr")
	open, err2 := dynlib.Symbol(handle, "fopen")
	if err1 != nil || err2 != nil {
		return c
	}
	path, mode := []byte("/dev/null\x00"), []byte("we\x00")
	if stream, _ := dynlib.Call(open, uintptr(unsafe.Pointer(&path[0])), uintptr(unsafe.Pointer(&mode[0]))); stream != 0 {
		c.stderr, c.nowhere = stderr, stream
	}
	return c
})

// silent counts the calls in progress; during them C's stderr is the stream to nowhere.
var silent struct {
	sync.Mutex
	calls int
	old   uintptr
}

// silently runs f without showing C's messages on stderr. Go's own os.Stderr is not
// affected.
func silently(f func()) {
	c := glibc()
	if c.stderr == 0 {
		f()
		return
	}
	variable := dynlib.Bytes(c.stderr, 8)
	silent.Lock()
	if silent.calls++; silent.calls == 1 {
		silent.old = uintptr(binary.NativeEndian.Uint64(variable))
		binary.NativeEndian.PutUint64(variable, uint64(c.nowhere))
	}
	silent.Unlock()
	defer func() {
		silent.Lock()
		if silent.calls--; silent.calls == 0 {
			binary.NativeEndian.PutUint64(variable, uint64(silent.old))
		}
		silent.Unlock()
	}()
	f()
}
