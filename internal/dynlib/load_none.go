//go:build !((linux || darwin) && (amd64 || arm64)) || static

package dynlib

import (
	"errors"
	"runtime"
)

// Supported returns nil if libraries can be loaded, and otherwise the reason.
func Supported() error {
	if static {
		return errors.New("this is a static build, which loads no libraries: use the other build of this program")
	}
	return errors.New("libraries are loaded on Linux and macOS (amd64, arm64) only, this is " + runtime.GOOS + "/" + runtime.GOARCH)
}

// Open returns the error of Supported.
func Open(string, bool) (uintptr, error) { return 0, Supported() }

// These functions are never called, since no library is loaded.

func Close(uintptr) error { panic("dynlib: a library that isn't open") }

func Symbol(uintptr, string) (uintptr, error) { panic("dynlib: look-up without a library") }

func Call(uintptr, ...uintptr) (r1, r2 uintptr) { panic("dynlib: call without a library") }

func Register(any, uintptr) { panic("dynlib: call without a library") }

func Callback(any) uintptr { panic("dynlib: call without a library") }
