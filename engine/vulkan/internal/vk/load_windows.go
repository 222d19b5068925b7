package vk

import (
	"fmt"
	"syscall"

	"golang.org/x/sys/windows"
)

// load loads Vulkan's loader only from the system's folder, where drivers install it.
func load() (library, error) {
	const name = "vulkan-1.dll"
	handle, err := windows.LoadLibraryEx(name, 0, windows.LOAD_LIBRARY_SEARCH_SYSTEM32)
	if err != nil {
		return library{}, fmt.Errorf("%s: %w", name, err)
	}
	address, err := windows.GetProcAddress(handle, "vkGetInstanceProcAddr")
	if err != nil {
		return library{}, fmt.Errorf("%s: %w", name, err)
	}
	return library{name, address}, nil
}

// call calls a function of Vulkan. Values that are converted to uintptr in the call
// itself are kept until it returns.
//
//go:uintptrescapes
func call(function uintptr, args ...uintptr) uintptr {
	r, _, _ := syscall.SyscallN(function, args...)
	return r
}

// invoke is call for functions that run in every step, and allocates nothing. The caller
// keeps memory of the arguments on the heap and alive until it returns.
func invoke(function uintptr, args ...uintptr) uintptr {
	list := argumentLists.Get().(*argumentList)
	r, _, _ := syscall.SyscallN(function, list[:copy(list[:], args)]...)
	argumentLists.Put(list)
	return r
}

// callback returns an address through which Vulkan can call f.
func callback(f any) uintptr { return syscall.NewCallback(f) }
