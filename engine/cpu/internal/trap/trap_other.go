//go:build !linux || !amd64 || noasm || static

// Package trap lets tests run AMX's machine code on processors that lack it.
package trap

import (
	"os"
	"testing"
)

// Emulated reports whether AMX's instructions are emulated.
func Emulated() bool { return false }

// AMX skips the test: there is no such machine code in this build.
func AMX(t testing.TB) (count func() int) {
	t.Skip("AMX's kernels run on Linux and amd64 alone")
	return nil
}

// Main runs the tests of a package.
func Main(m *testing.M) { os.Exit(m.Run()) }
