// Package clib loads C libraries that decode pictures, where the machine has them.
package clib

import "fmt"

// Spec describes a library: its names and where to look.
type Spec struct {
	Name      string   // "libheif"
	Sonames   []string // to try, in this order
	Variable  string   // the environment variable that names the file instead
	Functions []string // that it must have
	Install   string   // what to do where it is missing
}

// Library is a loaded library: the addresses of a Spec's functions, in their order.
type Library []uintptr

// MissingError names a library that wasn't found, and what to install.
type MissingError struct {
	Spec Spec
	Err  error
}

func (e *MissingError) Error() string {
	return fmt.Sprintf("%s isn't here: %s, or name the file in $%s: %v", e.Spec.Name, e.Spec.Install, e.Spec.Variable, e.Err)
}

func (e *MissingError) Unwrap() error { return e.Err }

// Missing returns the library's name and what to install.
func (e *MissingError) Missing() (name, install string) { return e.Spec.Name, e.Spec.Install }
