package kernels

import (
	"bytes"
	"errors"
	"os"
	"regexp"
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

// TestNames compares the kernels that a Set asks for with those of the PTX and
// of the library for the host.
func TestNames(t *testing.T) {
	var entries []string
	for _, m := range regexp.MustCompile(`\.visible \.entry (\w+)\(`).FindAllSubmatch(PTX(), -1) {
		entries = append(entries, string(m[1]))
	}
	slices.Sort(entries)
	if want := Names(); !slices.Equal(entries, want) {
		t.Errorf("kernels.ptx has\n%s\nwant\n%s", entries, want)
	}
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
		t.Errorf("the host has %s", library.Names())
	}
}
