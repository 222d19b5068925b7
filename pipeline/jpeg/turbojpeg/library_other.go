//go:build !(linux && (amd64 || arm64))

package turbojpeg

import (
	"errors"
	"runtime"
)

func load() (*library, error) {
	return nil, errors.New("libjpeg-turbo is used on Linux (amd64, arm64) only, this is " + runtime.GOOS + "/" + runtime.GOARCH)
}

// Nothing is ever loaded here, so these are never reached.

func call(uintptr, ...uintptr) uintptr { panic("turbojpeg: call without a library") }

func cString(uintptr) string { panic("turbojpeg: call without a library") }
