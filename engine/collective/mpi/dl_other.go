//go:build !(linux || darwin || freebsd)

package mpi

import (
	"errors"
	"runtime"
)

var errNoLibraries = errors.New("MPI isn't used on " + runtime.GOOS)

func dlopen(string) (uintptr, error) { return 0, errNoLibraries }

func dlsym(uintptr, string) (uintptr, error) { return 0, errNoLibraries }
