package mds

import (
	"runtime/debug"
	"unsafe"
)

// Guard calls fn, which may look at this shard's samples, and turns a fault in
// the mapped file into a *CorruptError: without it, the process dies when a
// file is cut short, or its disk fails, while it is mapped. Other panics pass.
// fn must do its reading on the calling goroutine.
func (s *Shard) Guard(fn func() error) (err error) {
	mapped := s.raw.data
	if s.zipped != nil {
		mapped = s.zipped
	}
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		fault := recover()
		if fault == nil {
			return
		}
		at, ok := fault.(interface{ Addr() uintptr })
		if !ok || len(mapped) == 0 {
			panic(fault)
		}
		// Addresses are only compared, never turned into pointers.
		offset := int64(at.Addr()) - int64(uintptr(unsafe.Pointer(unsafe.SliceData(mapped))))
		if offset < 0 || offset >= int64(len(mapped)) {
			panic(fault)
		}
		err = s.corrupt(-1, offset, "the file can no longer be read there")
	}()
	return fn()
}
