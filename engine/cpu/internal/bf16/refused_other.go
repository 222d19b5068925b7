//go:build !amd64 || noasm

package bf16

// Refused returns why the system does not let this process use the processor's AMX;
// nil if it does, or if there is no AMX.
func Refused() error { return nil }
