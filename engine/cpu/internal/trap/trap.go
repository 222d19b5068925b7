//go:build linux && amd64 && !noasm && !static

// Package trap lets tests run AMX's machine code on processors that lack it.
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

var install = sync.OnceValues(func() (count func() int, err error) {
	cc, err := exec.LookPath("cc")
	if err != nil {
		return nil, fmt.Errorf("the processor has no AMX, and there is no C compiler to build its emulation with: %w", err)
	}
	dir, err := os.MkdirTemp("", "trap")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	from, library := filepath.Join(dir, "trap.c"), filepath.Join(dir, "trap.so")
	if err := os.WriteFile(from, source, 0o600); err != nil {
		return nil, err
	}
	if out, err := exec.Command(cc, "-O3", "-mavx2", "-mfma", "-ffp-contract=off", "-shared", "-fPIC", "-o", library, from).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("building the emulation of AMX: %w: %s", err, out)
	}
	handle, err := purego.Dlopen(library, purego.RTLD_NOW|purego.RTLD_LOCAL)
	if err != nil {
		return nil, err
	}
	var begin func() int32
	purego.RegisterLibFunc(&begin, handle, "trap_install")
	purego.RegisterLibFunc(&count, handle, "trap_count")
	if begin() != 0 {
		return nil, fmt.Errorf("the emulation of AMX can't catch its signal")
	}
	bf16.Emulated = true
	return count, nil
})

// Emulated says that AMX's instructions are emulated from now on.
func Emulated() bool { return bf16.Emulated }

// AMX makes sure that AMX's instructions run: as they are where the processor has
// them, and otherwise emulated. count is how many have been emulated so far; nil
// where they run natively. It skips the test where neither is possible.
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
	count, err := install()
	if err != nil {
		t.Skip(err)
	}
	return count
}
