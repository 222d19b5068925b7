//go:build linux || darwin || freebsd

package mpi

import "github.com/ebitengine/purego"

// dlopen loads a library. Open MPI's plugins look for its symbols among the
// global ones.
func dlopen(name string) (uintptr, error) {
	return purego.Dlopen(name, purego.RTLD_NOW|purego.RTLD_GLOBAL)
}

func dlsym(handle uintptr, name string) (uintptr, error) { return purego.Dlsym(handle, name) }
