//go:build amd64 && !noasm

package kernel

var assembly = []*Set{&avx2, &avx512}
