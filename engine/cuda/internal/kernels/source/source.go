// Package source embeds the kernels' CUDA C.
//
// Each .cu file is one subject: its kernels and the structs that they take, which
// package kernels mirrors in Go. It includes the files that it needs. Main includes
// all of them. It compiles with NVRTC for GPUs and, with the shim of package host before
// it, with g++ for the CPU. params.h has the structs of several subjects; common.h has
// vectors, bfloat16 and indices.
//
// NVIDIA's assembler (ptxas 12.4) gives a kernel at most 74 registers a thread on
// compute capability 8.0 and 64 on 9.0, where none is spilled to memory; on 8.0
// max_pool_forward_bf16 spills 8 bytes and lrn_within_pull_bf16 16, on 8.6 and 8.9
// pool_lrn_backward_f32 4. TestRegisters of package kernels has it say so again.
package source

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"strings"
)

//go:embed *.cu *.h
var files embed.FS

// Main is the file of Files that includes the others.
const Main = "all.cu"

// Files returns every source by name.
func Files() map[string]string {
	all, main := map[string]string{}, "#include \"common.h\"\n"
	for _, name := range names() {
		text, err := files.ReadFile(name)
		if err != nil {
			panic(err) // embedded
		}
		all[name] = string(text)
		if strings.HasSuffix(name, ".cu") {
			main += fmt.Sprintf("#include %q\n", name)
		}
	}
	all[Main] = main
	return all
}

// names returns the names of the embedded files, sorted.
func names() []string {
	names, err := fs.Glob(files, "*")
	if err != nil {
		panic(err) // the pattern is constant
	}
	return names
}

// Hash returns the SHA-256 of every embedded file, in order of their names.
func Hash() string {
	h := sha256.New()
	all := Files()
	for _, name := range names() {
		fmt.Fprintf(h, "%s %d\n%s", name, len(all[name]), all[name])
	}
	return hex.EncodeToString(h.Sum(nil))
}
