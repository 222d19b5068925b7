//go:build (!amd64 && !arm64) || noasm

package bf16

var assembly []*Set
