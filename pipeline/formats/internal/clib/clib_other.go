//go:build !(linux && (amd64 || arm64))

package clib

import (
	"errors"
	"runtime"
)

// Open returns a *MissingError.
func (s Spec) Open() (Library, error) {
	s.Install = "it is used on Linux (amd64, arm64) only, so convert the picture"
	return nil, &MissingError{s, errors.New("this is " + runtime.GOOS + "/" + runtime.GOARCH)}
}

// Nothing is ever loaded here, so these are never reached.

func (l Library) Call(function int, args ...uintptr) (r1, r2 uintptr) {
	panic("clib: call without a library")
}

func Bytes(address uintptr, n int) []byte { panic("clib: memory without a library") }

func String(address uintptr) string { panic("clib: memory without a library") }
