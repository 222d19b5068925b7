//go:build amd64 && !noasm

package codec

import "golang.org/x/sys/cpu"

// setBMI2 turns the assembly of codes on, where the machine has it, or off, and
// returns what was.
func setBMI2(on bool) (was bool) {
	was, useBMI2 = useBMI2, on && cpu.X86.HasBMI2
	return was
}
