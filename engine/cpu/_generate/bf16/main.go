// Command bf16 writes the kernels of internal/bf16, for AVX-512 with its bfloat16
// instructions and for AMX, into the current folder.
package main

func main() {
	for _, f := range []*file{gemm(), amx(), pack(), vector(), lrn(), pool()} {
		f.write(".")
	}
}
