//go:build !linux && !darwin && !noasm

package bf16

// hasBF16 isn't known of other systems.
func hasBF16() bool { return false }
