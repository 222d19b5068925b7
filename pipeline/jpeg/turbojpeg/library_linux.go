//go:build linux && (amd64 || arm64)

package turbojpeg

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"unsafe"

	"alexnet/internal/dynlib"

	"github.com/ebitengine/purego"
)

// pathVariable names the environment variable that overrides the search.
const pathVariable = "ALEXNET_TURBOJPEG"

var (
	sonames = []string{"libturbojpeg.so.0", "libturbojpeg.so"}
	folders = []string{
		"/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib",
		"/usr/local/lib64", "/usr/local/lib", "/opt/libjpeg-turbo/lib64", "/opt/libjpeg-turbo/lib",
	}
)

// candidates returns what to try to load, in this order.
func candidates() []string {
	if path := os.Getenv(pathVariable); path != "" {
		return []string{path}
	}
	all := sonames
	for _, folder := range folders {
		for _, name := range sonames {
			path := filepath.Join(folder, name)
			if _, err := os.Stat(path); err == nil {
				all = append(all[:len(all):len(all)], path)
			}
		}
	}
	return all
}

func load() (*library, error) {
	var failures []error
	for _, path := range candidates() {
		lib, err := open(path)
		if err == nil {
			return lib, nil
		}
		failures = append(failures, err)
	}
	if os.Getenv(pathVariable) != "" {
		return nil, fmt.Errorf("libjpeg-turbo named by $%s doesn't load: %w", pathVariable, failures[0])
	}
	return nil, fmt.Errorf("libjpeg-turbo isn't here: install it (Debian, Ubuntu: apt-get install libturbojpeg0 or libturbojpeg; "+
		"Fedora: dnf install turbojpeg; Alpine: apk add libjpeg-turbo), or name the file in $%s: %w",
		pathVariable, errors.Join(failures...))
}

// open loads the library at path, and refuses one that lacks a function.
func open(path string) (*library, error) {
	if err := dynlib.Check(path); err != nil {
		return nil, err
	}
	handle, err := purego.Dlopen(path, purego.RTLD_NOW|purego.RTLD_LOCAL)
	if err != nil {
		return nil, err
	}
	lib := &library{path: path}
	for _, f := range []struct {
		name     string
		address  *uintptr
		optional bool
	}{
		{"tjInitDecompress", &lib.initDecompress, false},
		{"tjDecompressHeader3", &lib.decompressHeader, false},
		{"tjDecompress2", &lib.decompress, false},
		{"tjInitCompress", &lib.initCompress, false},
		{"tjCompress2", &lib.compress, false},
		{"tjBufSize", &lib.bufSize, false},
		{"tjDestroy", &lib.destroy, false},
		{"tjGetErrorStr2", &lib.errorText, false},
		{"tjGetErrorCode", &lib.errorCode, true},
	} {
		*f.address, err = purego.Dlsym(handle, f.name)
		if err != nil && !f.optional {
			return nil, fmt.Errorf("%s is no TurboJPEG 2 or 3: %w", path, err)
		}
	}
	return lib, nil
}

// call calls a C function. The caller keeps the memory that args point to alive
// and pinned.
func call(function uintptr, args ...uintptr) uintptr {
	result, _, _ := purego.SyscallN(function, args...)
	return result
}

// cString copies a NUL-terminated string of the library's.
func cString(address uintptr) string {
	if address == 0 {
		return ""
	}
	start := *(*unsafe.Pointer)(unsafe.Pointer(&address)) // C memory: the collector doesn't mind it
	n := 0
	for *(*byte)(unsafe.Add(start, n)) != 0 {
		n++
	}
	return string(unsafe.Slice((*byte)(start), n))
}
