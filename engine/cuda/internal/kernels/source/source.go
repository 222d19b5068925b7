// Package source embeds the kernels' CUDA C.
//
// Each .cu file is one subject; all.cu includes them in turn, and compiles with
// NVRTC for GPUs and, with the shim of package host before it, with g++ for the
// CPU. params.h has the structs that kernels take, which package kernels mirrors
// in Go; common.h has vectors, bfloat16 and indices.
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
)

//go:embed *.cu *.h
var files embed.FS

// Main is the file that includes the others.
const Main = "all.cu"

// Files is every source by name.
func Files() map[string]string {
	all := map[string]string{}
	names, err := fs.Glob(files, "*")
	if err != nil {
		panic(err) // the pattern is constant
	}
	for _, name := range names {
		text, err := files.ReadFile(name)
		if err != nil {
			panic(err) // embedded
		}
		all[name] = string(text)
	}
	return all
}

// Hash is the SHA-256 of every source, in order of their names.
func Hash() string {
	h := sha256.New()
	names, err := fs.Glob(files, "*") // sorted
	if err != nil {
		panic(err)
	}
	all := Files()
	for _, name := range names {
		fmt.Fprintf(h, "%s %d\n%s", name, len(all[name]), all[name])
	}
	return hex.EncodeToString(h.Sum(nil))
}
