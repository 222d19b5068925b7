//go:build !amd64 || noasm

package bf16

// Refused is why the system doesn't let this process use the AMX that the processor
// has; nil where it does, or has none.
func Refused() error { return nil }
