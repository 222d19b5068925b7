package mds

import (
	"os"
	"unsafe"

	"golang.org/x/sys/windows"
)

// mapFile maps the first size bytes of f, which may be closed afterwards. Until the
// map is released, nobody can replace or cut the file.
func mapFile(f *os.File, size int) ([]byte, func() error, error) {
	mapping, err := windows.CreateFileMapping(windows.Handle(f.Fd()), nil, windows.PAGE_READONLY, 0, 0, nil)
	if err != nil {
		return nil, nil, os.NewSyscallError("CreateFileMapping", err)
	}
	defer windows.CloseHandle(mapping) // the view keeps it
	address, err := windows.MapViewOfFile(mapping, windows.FILE_MAP_READ, 0, 0, uintptr(size))
	if err != nil {
		return nil, nil, os.NewSyscallError("MapViewOfFile", err)
	}
	start := *(*unsafe.Pointer)(unsafe.Pointer(&address)) // the system's memory: the collector doesn't mind it
	return unsafe.Slice((*byte)(start), size), func() error { return windows.UnmapViewOfFile(address) }, nil
}
