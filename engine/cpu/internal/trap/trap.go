//go:build linux && amd64 && !noasm && !static

// Package trap lets tests run machine code on processors that lack its instructions.
// It catches the signal of each AMX instruction and emulates it. It runs whole
// AVX-512 functions on Bochs, an emulator of processors.
package trap

import (
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/ebitengine/purego"
	"golang.org/x/sys/cpu"

	"alexnet/engine/cpu/internal/bf16"
)

//go:embed testdata/trap.c
var source []byte

// compile builds a library from C in dir.
func compile(dir, name string, source []byte) (library string, err error) {
	cc, err := exec.LookPath("cc")
	if err != nil {
		return "", fmt.Errorf("there is no C compiler to build the emulation with: %w", err)
	}
	from, library := filepath.Join(dir, name+".c"), filepath.Join(dir, name+".so")
	if err := os.WriteFile(from, source, 0o600); err != nil {
		return "", err
	}
	if out, err := exec.Command(cc, "-O3", "-mavx2", "-mfma", "-ffp-contract=off", "-shared", "-fPIC", "-o", library, from).CombinedOutput(); err != nil {
		return "", fmt.Errorf("building the emulation: %w: %s", err, out)
	}
	return library, nil
}

// install loads the library with the signal handler.
var install = sync.OnceValues(func() (handle uintptr, err error) {
	dir, err := os.MkdirTemp("", "trap")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	library, err := compile(dir, "trap", source)
	if err != nil {
		return 0, err
	}
	if handle, err = purego.Dlopen(library, purego.RTLD_NOW|purego.RTLD_LOCAL); err != nil {
		return 0, err
	}
	var begin func() int32
	purego.RegisterLibFunc(&begin, handle, "trap_install")
	if begin() != 0 {
		return 0, fmt.Errorf("the emulation can't catch its signal")
	}
	return handle, nil
})

// Emulated reports whether AMX's instructions are emulated.
func Emulated() bool { return bf16.Emulated }

// AMX makes AMX's instructions available: natively if the processor has them, and
// otherwise emulated. count returns the number of emulated instructions so far; it is
// nil if they run natively. If neither is possible, AMX skips the test.
func AMX(t testing.TB) (count func() int) {
	t.Helper()
	if !cpu.X86.HasAVX512BF16 {
		t.Skip("the kernels beside AMX's products want AVX512_BF16, which the processor lacks")
	}
	for _, s := range bf16.Usable() {
		if s.Name == "amx" && !bf16.Emulated {
			return nil
		}
	}
	handle, err := install()
	if err != nil {
		t.Skip(err)
	}
	bf16.Emulated = true
	purego.RegisterLibFunc(&count, handle, "trap_count")
	return count
}
