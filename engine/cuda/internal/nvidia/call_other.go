//go:build !(linux && (amd64 || arm64)) || static

package nvidia

import (
	"errors"
	"runtime"

	"alexnet/internal/dynlib"
)

// supported means that libraries can be loaded on this platform.
const supported = false

func dlopen(string) (uintptr, error) {
	if runtime.GOOS == "linux" {
		return 0, dynlib.Supported()
	}
	return 0, errors.New("NVIDIA's libraries are used on Linux (amd64, arm64) only, this is " + runtime.GOOS + "/" + runtime.GOARCH)
}

// These functions are never called, since no library is loaded.

func dlclose(uintptr) {}

func dlsym(uintptr, string) (uintptr, error) { panic("nvidia: look-up without a library") }

func call(uintptr, ...uintptr) uintptr { panic("nvidia: call without a library") }

func register(any, uintptr) { panic("nvidia: call without a library") }

func pathOf(uintptr) string { return "" }

func cString(uintptr) string { panic("nvidia: string without a library") }
