// Command generate compiles the kernels to kernels.ptx:
//
//	pip install --no-deps --target /tmp/nvrtc nvidia-cuda-nvrtc-cu12==12.4.127
//	cd engine/cuda/internal/kernels
//	NVRTC=/tmp/nvrtc/nvidia/cuda_nvrtc/lib/libnvrtc.so.12 go generate
//
// Without NVRTC it leaves kernels.ptx as it is; the package's tests say whether
// that is of today's sources.
package main

import (
	"fmt"
	"os"

	"alexnet/engine/cuda/internal/kernels/nvrtc"
)

func main() {
	if err := run("kernels.ptx"); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

func run(path string) error {
	library := os.Getenv(nvrtc.Variable)
	if library == "" {
		fmt.Fprintf(os.Stderr, "generate: %s stays as it is: install %s with pip and name its library in %s\n", path, nvrtc.Wheel, nvrtc.Variable)
		return nil
	}
	text, err := nvrtc.Kernels(library)
	if err != nil {
		return err
	}
	return os.WriteFile(path, text, 0o644)
}
