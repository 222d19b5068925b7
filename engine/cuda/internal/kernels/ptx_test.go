package kernels

import (
	"bytes"
	"errors"
	"os"
	"slices"
	"testing"

	"alexnet/engine/cuda/internal/kernels/host"
	"alexnet/engine/cuda/internal/kernels/nvrtc"
)

// TestPTXIsOfTheseSources fails when a source has changed since `go generate`.
func TestPTXIsOfTheseSources(t *testing.T) {
	if header := nvrtc.Header(); !bytes.HasPrefix(PTX(), []byte(header)) {
		t.Errorf("kernels.ptx is stale: run go generate\nit begins\n%s\nwant\n%s", PTX()[:min(len(header), len(PTX()))], header)
	}
}

// TestPTXAgain compiles the sources again, where there is a compiler.
func TestPTXAgain(t *testing.T) {
	library := os.Getenv(nvrtc.Variable)
	if library == "" {
		t.Skipf("%s names no library of %s", nvrtc.Variable, nvrtc.Wheel)
	}
	text, err := nvrtc.Kernels(library)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(text, PTX()) {
		t.Error("go generate would change kernels.ptx")
	}
}

// TestNames compares the kernels of the PTX with those of the library for the host, which
// a C++ compiler has found in the sources.
func TestNames(t *testing.T) {
	if want := "NVRTC 12.4.127, PTX 8.4 for sm_80"; Compiler() != want {
		t.Errorf("compiled by %s, want %s", Compiler(), want)
	}
	library, err := host.Build()
	if errors.Is(err, host.ErrNoCompiler) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(library.Names(), Names()) {
		t.Errorf("kernels.ptx has\n%s\nthe host\n%s", Names(), library.Names())
	}
}
