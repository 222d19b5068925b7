//go:build !amd64 || noasm

package bf16

var assembly []*Set
