//go:build !windows

package vk

import (
	"errors"
	"fmt"
	"os"
	"runtime"

	"alexnet/internal/dynlib"
)

// libraries lists the names of Vulkan's loader. On macOS they are full paths, and include
// MoltenVK's, which needs no loader.
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

// call calls a function of Vulkan. Values that are converted to uintptr in the call
// itself are kept until it returns.
//
//go:uintptrescapes
func call(function uintptr, args ...uintptr) uintptr {
	r, _ := dynlib.Call(function, args...)
	return r
}

// invoke is call for functions that run in every step, and allocates nothing. The caller
// keeps memory of the arguments on the heap and alive until it returns.
func invoke(function uintptr, args ...uintptr) uintptr {
	list := argumentLists.Get().(*argumentList)
	r, _ := dynlib.Call(function, list[:copy(list[:], args)]...)
	argumentLists.Put(list)
	return r
}

// callback returns an address through which Vulkan can call f.
func callback(f any) uintptr { return dynlib.Callback(f) }
