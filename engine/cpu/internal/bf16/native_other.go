//go:build !amd64 || noasm

package bf16

func native() []Set { return nil }
