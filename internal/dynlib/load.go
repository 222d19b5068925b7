//go:build (linux || darwin) && (amd64 || arm64) && !static

package dynlib

import "github.com/ebitengine/purego"

// Supported returns nil if libraries can be loaded, and otherwise the reason.
func Supported() error { return nil }

// Open loads a library that Check allows. With global, libraries that are loaded
// later find its symbols.
func Open(name string, global bool) (handle uintptr, err error) {
	if err := Check(name); err != nil {
		return 0, err
	}
	mode := purego.RTLD_NOW | purego.RTLD_LOCAL
	if global {
		mode = purego.RTLD_NOW | purego.RTLD_GLOBAL
	}
	return purego.Dlopen(name, mode)
}

// Close gives a library back. When nobody else has it open, its exit handlers run and its
// addresses are no longer valid.
func Close(handle uintptr) error { return purego.Dlclose(handle) }

// Symbol returns the address of a function or variable of a library.
func Symbol(handle uintptr, name string) (uintptr, error) { return purego.Dlsym(handle, name) }

// Call calls a C function of integers and pointers, and returns the two registers of
// its result. The caller keeps the memory that args point to alive and pinned; values
// that are converted to uintptr in the call itself escape and are kept.
//
//go:uintptrescapes
func Call(function uintptr, args ...uintptr) (r1, r2 uintptr) {
	r1, r2, _ = purego.SyscallN(function, args...)
	return r1, r2
}

// Register makes f, a pointer to a function, call a C function.
func Register(f any, function uintptr) { purego.RegisterFunc(f, function) }

// Callback returns an address at which C can call f. It is never freed.
func Callback(f any) uintptr { return purego.NewCallback(f) }
