//go:build linux && (amd64 || arm64) && !static

package turbojpeg

import (
	"strings"
	"testing"
)

func TestLibraryIsMissing(t *testing.T) {
	t.Setenv(pathVariable, "/nowhere/libturbojpeg.so")
	_, err := load()
	if err == nil || !strings.Contains(err.Error(), "$"+pathVariable) {
		t.Errorf("a path that doesn't exist: %v", err)
	}
	t.Setenv(pathVariable, "")
	defer func(s, f []string) { sonames, folders = s, f }(sonames, folders)
	sonames, folders = []string{"libnothingofthekind.so"}, nil
	_, err = load()
	if err == nil || !strings.Contains(err.Error(), "apt-get install libturbojpeg0") {
		t.Errorf("nothing found: %v", err)
	}
}

// libc is a library that loads, and has none of the functions.
func TestSymbolIsMissing(t *testing.T) {
	t.Setenv(pathVariable, "libc.so.6")
	_, err := load()
	if err == nil || !strings.Contains(err.Error(), "tjInitDecompress") {
		t.Errorf("a library without the functions: %v", err)
	}
}
