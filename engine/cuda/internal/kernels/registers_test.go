package kernels

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
)

// TestRegisters has NVIDIA's assembler, where PTXAS names one, say what the
// kernels take of a processor: at most 80 registers a thread, so that three
// blocks of 256 threads fit, and hardly a register saved to memory.
func TestRegisters(t *testing.T) {
	assembler := os.Getenv("PTXAS")
	if assembler == "" {
		t.Skip("PTXAS names no assembler (nvidia-cuda-nvcc-cu12 on PyPI has one)")
	}
	file := filepath.Join(t.TempDir(), "kernels.ptx")
	if err := os.WriteFile(file, PTX(), 0o644); err != nil {
		t.Fatal(err)
	}
	said := regexp.MustCompile(`entry function '(\w+)'[\s\S]*?(\d+) bytes stack frame, (\d+) bytes spill stores[\s\S]*?Used (\d+) registers`)
	for _, arch := range []string{"sm_80", "sm_86", "sm_89", "sm_90"} {
		out, err := exec.Command(assembler, "-v", "-arch="+arch, "-o", file+arch, file).CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		kernels := said.FindAllSubmatch(out, -1)
		if len(kernels) != len(Names()) {
			t.Errorf("%s: %d kernels, want %d", arch, len(kernels), len(Names()))
		}
		most, spills := 0, ""
		for _, m := range kernels {
			spilled, _ := strconv.Atoi(string(m[3]))
			registers, _ := strconv.Atoi(string(m[4]))
			most = max(most, registers)
			if spilled > 0 {
				spills += fmt.Sprintf(" %s %d", m[1], spilled)
			}
			if spilled > 16 || registers > 80 {
				t.Errorf("%s: %s takes %d registers and spills %d bytes", arch, m[1], registers, spilled)
			}
		}
		t.Logf("%s: at most %d registers; bytes spilled:%s", arch, most, spills)
	}
}
