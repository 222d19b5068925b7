package shaders

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestCompiledOfTheseSources: whoever changes a shader compiles it.
func TestCompiledOfTheseSources(t *testing.T) {
	for _, matrices := range []bool{false, true} {
		if source, compiler := Compiled(matrices); source != Source(matrices) {
			t.Errorf("%s: spirv was made of other sources (%s by %s): go generate ./engine/vulkan/internal/shaders", Stamp(matrices), source, compiler)
		}
	}
	files, err := filepath.Glob("source/*.comp")
	if err != nil || len(files) == 0 || len(files) != len(Names()) {
		t.Fatalf("%d shaders, %d of them compiled, %v", len(files), len(Names()), err)
	}
}

// TestCompilerAgrees: the same compiler makes the same SPIR-V, and another one can
// compile the sources.
func TestCompilerAgrees(t *testing.T) {
	slow(t)
	version, err := exec.Command("glslc", "--version").Output()
	if err != nil {
		t.Skip("glslc is not installed")
	}
	first, _, _ := strings.Cut(string(version), "\n")
	for _, name := range Names() {
		file := "source/" + name + ".comp"
		source, err := sources.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range append(Variants(source, false), Variants(source, true)...) {
			code, err := Compile(file, v)
			_, compiler := Compiled(v.Matrices)
			switch {
			case errors.Is(err, ErrNoMatrices):
				t.Logf("%s: %v", name, err)
			case err != nil:
				t.Error(err)
			case first == compiler && !bytes.Equal(code, Code(name, v)):
				t.Errorf("%s, %+v: the SPIR-V that is built in differs from %s's", name, v, first)
			}
		}
	}
}

// TestValid: Khronos' validator has nothing to say.
func TestValid(t *testing.T) {
	slow(t)
	if _, err := exec.LookPath("spirv-val"); err != nil {
		t.Skip("spirv-val is not installed (spirv-tools)")
	}
	files, _ := filepath.Glob("spirv/*.spv")
	for _, f := range files {
		out, err := exec.Command("spirv-val", "--target-env", "vulkan1.2", f).CombinedOutput()
		switch {
		case err != nil && strings.Contains(f, ".matrices.") && strings.Contains(string(out), "Invalid capability operand"):
			t.Logf("%s: this spirv-val is too old, Debian 13's is not: %s", f, out)
		case err != nil:
			t.Errorf("%s: %v: %s", f, err, out)
		}
	}
}

// TestInstructions counts those of the smallest shader as spirv-dis lists them.
func TestInstructions(t *testing.T) {
	if _, err := exec.LookPath("spirv-dis"); err != nil {
		t.Skip("spirv-dis is not installed (spirv-tools)")
	}
	for _, name := range []string{"accumulate", "conv"} {
		out, err := exec.Command("spirv-dis", "--no-color", "spirv/"+name+".spv").Output()
		if err != nil {
			t.Fatal(err)
		}
		want, inside := 0, false
		for line := range strings.Lines(string(out)) {
			switch {
			case strings.Contains(line, "OpFunctionEnd"):
				inside = false
			case strings.Contains(line, "= OpFunction "):
				inside = true
			case inside && !strings.Contains(line, "OpLabel"):
				want++
			}
		}
		if got := Instructions(name, Variant{}); got != want || got == 0 {
			t.Errorf("%s has %d instructions, spirv-dis lists %d", name, got, want)
		}
	}
}

// slow skips a test unless make check-vulkan runs it.
func slow(t *testing.T) {
	t.Helper()
	if os.Getenv("ALEXNET_VULKAN") == "" {
		t.Skip("make check-vulkan runs it")
	}
}
