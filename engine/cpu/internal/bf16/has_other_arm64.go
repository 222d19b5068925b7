//go:build !linux && !darwin && !noasm

package bf16

// hasBF16 is not known on other systems.
func hasBF16() bool { return false }
