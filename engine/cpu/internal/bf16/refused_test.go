//go:build amd64 && !noasm

package bf16

import (
	"strings"
	"testing"

	"golang.org/x/sys/cpu"
)

// TestRefused takes this processor, which has no AMX, for one that does: the system refuses
// it, and products go on with the next set.
func TestRefused(t *testing.T) {
	if cpu.X86.HasAMXTile {
		t.Skip("the processor has AMX, and the system permits it or not")
	}
	if err := Refused(); err != nil {
		t.Errorf("%v on a processor without AMX", err)
	}
	before, real := Emulated, hasTiles
	defer func() { Emulated, hasTiles = before, real }()
	Emulated, hasTiles = false, func() bool { return true }
	if Refused() == nil {
		t.Error("nothing is refused")
	}
	if s, err := Find("amx"); err == nil || !strings.Contains(err.Error(), "amx needs AMX (and the system's leave to use it)") {
		t.Errorf("amx finds %v, %v", s, err)
	}
	s, err := Find("")
	if avx512.Supported() && s != &avx512 {
		t.Errorf("no name finds %v, %v, want avx512", s, err)
	}
	if !avx512.Supported() && err == nil {
		t.Errorf("no name finds %s, want an error", s.Name)
	}
}
