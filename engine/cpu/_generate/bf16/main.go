// Command bf16 writes the kernels of internal/bf16, for AVX-512 with its bfloat16
// instructions and for AMX:
//
//	cd engine/cpu/_generate/bf16 && go generate
package main

//go:generate go run .

func main() {
	for _, f := range []*file{gemm(), amx(), pack(), vector(), lrn(), pool()} {
		f.write("../../internal/bf16")
	}
}
