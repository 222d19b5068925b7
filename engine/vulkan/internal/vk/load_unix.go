//go:build !windows

package vk

import (
	"errors"
	"fmt"
	"os"
	"runtime"

	"alexnet/internal/dynlib"
)

// libraries lists the names of Vulkan's loader. On macOS libraries are named by their
// whole path, and MoltenVK's, which needs no loader, is included.
func libraries() []string {
	if runtime.GOOS != "darwin" {
		return []string{"libvulkan.so.1"}
	}
	var all []string
	for _, name := range []string{"libvulkan.1.dylib", "libMoltenVK.dylib"} {
		for _, folder := range []string{"/opt/homebrew/lib/", "/usr/local/lib/"} {
			all = append(all, folder+name)
		}
	}
	return all
}

// load loads the first of the libraries that exists.
func load() (library, error) {
	if err := dynlib.Supported(); err != nil {
		return library{}, err
	}
	var errs []error
	for _, name := range libraries() {
		if runtime.GOOS == "darwin" {
			if _, err := os.Stat(name); err != nil {
				errs = append(errs, err)
				continue
			}
		}
		handle, err := dynlib.Open(name, false)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		address, err := dynlib.Symbol(handle, "vkGetInstanceProcAddr")
		if err != nil {
			return library{}, fmt.Errorf("%s: %w", name, err)
		}
		return library{name, address}, nil
	}
	return library{}, errors.Join(errs...)
}

// call calls a function of Vulkan's; what is converted to uintptr in the call itself
// is kept until it returns.
//
// call calls a function of Vulkan. Values that are converted to uintptr in the call
// itself are kept until it returns.
//
//go:uintptrescapes
func call(function uintptr, args ...uintptr) uintptr {
	r, _ := dynlib.Call(function, args...)
	return r
}

// invoke is call for functions that run in every step. It allocates nothing. The
// caller keeps the memory that the arguments point to on the heap until it returns.
func invoke(function uintptr, args ...uintptr) uintptr {
	list := argumentLists.Get().(*argumentList)
	r, _ := dynlib.Call(function, list[:copy(list[:], args)]...)
	argumentLists.Put(list)
	return r
}

// callback returns an address at which Vulkan can call f.
func callback(f any) uintptr { return dynlib.Callback(f) }
