//go:build linux && (amd64 || arm64)

package clib

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"unsafe"

	"alexnet/internal/dynlib"

	"github.com/ebitengine/purego"
)

// folders are searched after the dynamic linker's.
var folders = []string{
	"/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib", "/usr/local/lib64", "/usr/local/lib",
}

// candidates returns what to try to load, in this order.
func (s Spec) candidates() []string {
	if path := os.Getenv(s.Variable); path != "" {
		return []string{path}
	}
	all := s.Sonames[:len(s.Sonames):len(s.Sonames)]
	for _, folder := range folders {
		for _, name := range s.Sonames {
			path := filepath.Join(folder, name)
			if _, err := os.Stat(path); err == nil {
				all = append(all, path)
			}
		}
	}
	return all
}

// Open loads a library, and refuses one that lacks a function. It returns a
// *MissingError where there is none.
func (s Spec) Open() (Library, error) {
	var failures []error
	for _, path := range s.candidates() {
		l, err := s.load(path)
		if err == nil {
			return l, nil
		}
		failures = append(failures, err)
	}
	return nil, &MissingError{s, errors.Join(failures...)}
}

func (s Spec) load(path string) (Library, error) {
	if err := dynlib.Check(path); err != nil {
		return nil, err
	}
	handle, err := purego.Dlopen(path, purego.RTLD_NOW|purego.RTLD_LOCAL)
	if err != nil {
		return nil, err
	}
	l := make(Library, len(s.Functions))
	for i, name := range s.Functions {
		if l[i], err = purego.Dlsym(handle, name); err != nil {
			return nil, fmt.Errorf("%s is no %s that can be used: %w", path, s.Name, err)
		}
	}
	return l, nil
}

// Call calls a function, and returns the two registers of its result. The caller
// keeps the memory that args point to alive and pinned.
func (l Library) Call(function int, args ...uintptr) (r1, r2 uintptr) {
	r1, r2, _ = purego.SyscallN(l[function], args...)
	return r1, r2
}

// Bytes returns n bytes of C memory, which stays the library's.
func Bytes(address uintptr, n int) []byte {
	start := *(*unsafe.Pointer)(unsafe.Pointer(&address)) // C memory: the collector doesn't mind it
	return unsafe.Slice((*byte)(start), n)
}

// String copies a NUL-terminated string of C memory.
func String(address uintptr) string {
	if address == 0 {
		return ""
	}
	n := 0
	for Bytes(address, n+1)[n] != 0 {
		n++
	}
	return string(Bytes(address, n))
}
