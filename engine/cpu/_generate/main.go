// Command generate writes the AVX2 and AVX-512 kernels of internal/kernel:
//
//	cd engine/cpu/_generate && go generate
//
// One run writes one subject for one instruction set; -kernel and -isa name them. The package has a module of its
// own so that avo is no dependency of the toolkit.
package main

//go:generate go run . -kernel gemm -pkg kernel -out ../internal/kernel/gemm_amd64.s -stubs ../internal/kernel/gemm_stubs_amd64.go
//go:generate go run . -kernel pack -pkg kernel -out ../internal/kernel/pack_amd64.s -stubs ../internal/kernel/pack_stubs_amd64.go
//go:generate go run . -kernel vector -pkg kernel -out ../internal/kernel/vector_amd64.s -stubs ../internal/kernel/vector_stubs_amd64.go
//go:generate go run . -kernel lrn -pkg kernel -out ../internal/kernel/lrn_amd64.s -stubs ../internal/kernel/lrn_stubs_amd64.go
//go:generate go run . -kernel pool -pkg kernel -out ../internal/kernel/pool_amd64.s -stubs ../internal/kernel/pool_stubs_amd64.go
//go:generate go run . -kernel winograd -pkg kernel -out ../internal/kernel/winograd_amd64.s -stubs ../internal/kernel/winograd_stubs_amd64.go
//go:generate go run . -kernel neon -out ../internal/kernel/neon_arm64.s -stubs ../internal/kernel/neon_stubs_arm64.go

//go:generate go run . -isa avx512 -kernel gemm -pkg kernel -out ../internal/kernel/gemm_avx512_amd64.s -stubs ../internal/kernel/gemm_avx512_stubs_amd64.go
//go:generate go run . -isa avx512 -kernel pack -pkg kernel -out ../internal/kernel/pack_avx512_amd64.s -stubs ../internal/kernel/pack_avx512_stubs_amd64.go
//go:generate go run . -isa avx512 -kernel vector -pkg kernel -out ../internal/kernel/vector_avx512_amd64.s -stubs ../internal/kernel/vector_avx512_stubs_amd64.go
//go:generate go run . -isa avx512 -kernel lrn -pkg kernel -out ../internal/kernel/lrn_avx512_amd64.s -stubs ../internal/kernel/lrn_avx512_stubs_amd64.go
//go:generate go run . -isa avx512 -kernel pool -pkg kernel -out ../internal/kernel/pool_avx512_amd64.s -stubs ../internal/kernel/pool_avx512_stubs_amd64.go
//go:generate go run . -isa avx512 -kernel winograd -pkg kernel -out ../internal/kernel/winograd_avx512_amd64.s -stubs ../internal/kernel/winograd_avx512_stubs_amd64.go

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
		"gemm":     gemm,
		"pack":     pack,
		"vector":   vector,
		"lrn":      lrn,
		"pool":     pool,
		"winograd": winograd,
	}
	if *name == "neon" {
		neon()
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
