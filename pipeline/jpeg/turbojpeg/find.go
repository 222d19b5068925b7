package turbojpeg

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"alexnet/internal/dynlib"
)

// pathVariable names the environment variable that overrides the search.
const pathVariable = "ALEXNET_TURBOJPEG"

var sonames, folders = places(runtime.GOOS)

// places returns the library's names on a system, and folders that may hold it.
func places(system string) (sonames, folders []string) {
	if system == "darwin" { // Homebrew's on arm64 and amd64, and MacPorts' folders
		return []string{"libturbojpeg.0.dylib", "libturbojpeg.dylib"}, []string{
			"/opt/homebrew/lib", "/opt/homebrew/opt/jpeg-turbo/lib", "/usr/local/lib", "/usr/local/opt/jpeg-turbo/lib", "/opt/local/lib",
		}
	}
	return []string{"libturbojpeg.so.0", "libturbojpeg.so"}, []string{
		"/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib",
		"/usr/local/lib64", "/usr/local/lib", "/opt/libjpeg-turbo/lib64", "/opt/libjpeg-turbo/lib",
	}
}

// candidates returns the names to try, in order.
func candidates() []string {
	if path := os.Getenv(pathVariable); path != "" {
		return []string{path}
	}
	var all []string
	if runtime.GOOS != "darwin" { // macOS's linker may look in the current folder
		all = append(all, sonames...)
	}
	for _, folder := range folders {
		for _, name := range sonames {
			path := filepath.Join(folder, name)
			if _, err := os.Stat(path); err == nil {
				all = append(all, path)
			}
		}
	}
	return all
}

func load() (*library, error) {
	if err := dynlib.Supported(); err != nil {
		return nil, fmt.Errorf("libjpeg-turbo can't be used: %w", err)
	}
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
		"Fedora: dnf install turbojpeg; Alpine: apk add libjpeg-turbo; macOS: brew install jpeg-turbo), or name the file in $%s: %w",
		pathVariable, errors.Join(failures...))
}

// open loads the library at path, and refuses one that lacks a function.
func open(path string) (*library, error) {
	handle, err := dynlib.Open(path, false)
	if err != nil {
		return nil, err
	}
	lib := new(library)
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
		*f.address, err = dynlib.Symbol(handle, f.name)
		if err != nil && !f.optional {
			return nil, fmt.Errorf("%s is no TurboJPEG 2 or 3: %w", path, err)
		}
	}
	return lib, nil
}

// call calls a C function. The caller keeps the memory that args point to alive
// and pinned.
func call(function uintptr, args ...uintptr) uintptr {
	result, _ := dynlib.Call(function, args...)
	return result
}
