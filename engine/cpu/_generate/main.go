// Command generate writes the AVX2, AVX-512 and NEON kernels of internal/kernel; its
// generate.go has the command lines. One run writes one subject for one
// instruction set; -kernel and -isa name them.
package main

import (
	"flag"
	"log"

	. "github.com/mmcloughlin/avo/build"
)

func main() {
	name := flag.String("kernel", "", "which subject to write")
	set := flag.String("isa", "avx2", "for which instructions: avx2 or avx512")
	flag.Parse()
	kernels := map[string]func(){
		"gemm":        gemm,
		"pack":        pack,
		"vector":      vector,
		"lrn":         lrn,
		"pool":        pool,
		"winograd":    transforms("3", "5"),
		"winograd4x3": transforms("4x3"),
		"winograd4x5": transforms("4x5"),
	}
	switch *name {
	case "neon":
		neon()
		return
	case "neon-bf16":
		neonBF16()
		return
	}
	write := kernels[*name]
	if write == nil {
		log.Fatalf("unknown kernel %q", *name)
	}
	switch *set {
	case "avx2":
	case "avx512":
		isa = avx512
	default:
		log.Fatalf("unknown instructions %q", *set)
	}
	ConstraintExpr("amd64,!noasm")
	write()
	Generate()
}
