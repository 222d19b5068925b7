package cpu

import (
	"unsafe"

	"golang.org/x/sys/windows"
)

// memoryStatus is MEMORYSTATUSEX of
// https://learn.microsoft.com/windows/win32/api/sysinfoapi/ns-sysinfoapi-memorystatusex.
type memoryStatus struct {
	length, load                 uint32
	totalPhysical, freePhysical  uint64
	totalCommit, freeCommit      uint64 // including page files; the limit of the process's job if that is less
	totalVirtual, freeVirtual, _ uint64
}

var globalMemoryStatusEx = windows.NewLazySystemDLL("kernel32.dll").NewProc("GlobalMemoryStatusEx")

// room returns the memory that Windows lets this process commit, page files included.
func room() (total, free int64, err error) {
	s := memoryStatus{length: uint32(unsafe.Sizeof(memoryStatus{}))}
	if ok, _, err := globalMemoryStatusEx.Call(uintptr(unsafe.Pointer(&s))); ok == 0 {
		return 0, 0, err
	}
	return int64(s.totalCommit), int64(s.freeCommit), nil
}
