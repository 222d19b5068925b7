package clib

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"alexnet/internal/dynlib"
)

// folders are searched after the dynamic linker's folders.
var folders = []string{
	"/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib", "/usr/local/lib64", "/usr/local/lib",
}

// candidates returns the names to try, in order.
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
	if err := supported(); err != nil {
		s.Install = "it is used on Linux (amd64, arm64) only, and not by static builds, so convert the picture"
		return nil, &MissingError{s, err}
	}
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

func supported() error {
	if err := dynlib.Supported(); err != nil || runtime.GOOS == "linux" {
		return err
	}
	return errors.New("this is " + runtime.GOOS + "/" + runtime.GOARCH)
}

func (s Spec) load(path string) (Library, error) {
	handle, err := dynlib.Open(path, false)
	if err != nil {
		return nil, err
	}
	l := make(Library, len(s.Functions))
	for i, name := range s.Functions {
		if l[i], err = dynlib.Symbol(handle, name); err != nil {
			return nil, fmt.Errorf("%s is no %s that can be used: %w", path, s.Name, err)
		}
	}
	return l, nil
}

// Call calls a function, and returns the two registers of its result. What it prints
// for people isn't shown. The caller keeps the memory that args point to alive and pinned.
func (l Library) Call(function int, args ...uintptr) (r1, r2 uintptr) {
	silently(func() { r1, r2 = dynlib.Call(l[function], args...) })
	return r1, r2
}
