package stream

import (
	"errors"
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/windows"
)

// Memory returns the function that makes the shared memory for a Config. The
// handle is the name of a mapping that doesn't exist yet; it ends with the last
// process that has it open. On Unix it is the number of a descriptor.
func Memory(handle string) func(size int) ([]byte, error) {
	return func(size int) ([]byte, error) {
		name, err := windows.UTF16PtrFromString(handle)
		if err != nil || handle == "" {
			return nil, fmt.Errorf("memory %q isn't the name of a mapping", handle)
		}
		mapping, err := windows.CreateFileMapping(windows.InvalidHandle, nil, windows.PAGE_READWRITE, uint32(uint64(size)>>32), uint32(size), name)
		if mapping == 0 || errors.Is(err, windows.ERROR_ALREADY_EXISTS) {
			return nil, os.NewSyscallError("CreateFileMapping", err)
		}
		// The handle stays open: the name must exist until the client has opened it.
		address, err := windows.MapViewOfFile(mapping, windows.FILE_MAP_WRITE, 0, 0, uintptr(size))
		if err != nil {
			return nil, os.NewSyscallError("MapViewOfFile", err)
		}
		start := *(*unsafe.Pointer)(unsafe.Pointer(&address)) // the system's memory, unknown to the garbage collector
		return unsafe.Slice((*byte)(start), size), nil
	}
}
