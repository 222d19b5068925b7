//go:build arm64 && !noasm

package kernel

var assembly = []*Set{&neon}
