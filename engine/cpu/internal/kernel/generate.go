package kernel

//go:generate -command avo go run -modfile=../../../../tools/generate/avo.mod ../../_generate
//go:generate avo -kernel gemm -pkg kernel -out gemm_amd64.s -stubs gemm_stubs_amd64.go
//go:generate avo -kernel pack -pkg kernel -out pack_amd64.s -stubs pack_stubs_amd64.go
//go:generate avo -kernel vector -pkg kernel -out vector_amd64.s -stubs vector_stubs_amd64.go
//go:generate avo -kernel lrn -pkg kernel -out lrn_amd64.s -stubs lrn_stubs_amd64.go
//go:generate avo -kernel pool -pkg kernel -out pool_amd64.s -stubs pool_stubs_amd64.go
//go:generate avo -kernel winograd -pkg kernel -out winograd_amd64.s -stubs winograd_stubs_amd64.go
//go:generate avo -kernel winograd4x3 -pkg kernel -out winograd4x3_amd64.s -stubs winograd4x3_stubs_amd64.go
//go:generate avo -kernel winograd4x5 -pkg kernel -out winograd4x5_amd64.s -stubs winograd4x5_stubs_amd64.go
//go:generate avo -kernel neon -out neon_arm64.s -stubs neon_stubs_arm64.go
//go:generate avo -isa avx512 -kernel gemm -pkg kernel -out gemm_avx512_amd64.s -stubs gemm_avx512_stubs_amd64.go
//go:generate avo -isa avx512 -kernel pack -pkg kernel -out pack_avx512_amd64.s -stubs pack_avx512_stubs_amd64.go
//go:generate avo -isa avx512 -kernel vector -pkg kernel -out vector_avx512_amd64.s -stubs vector_avx512_stubs_amd64.go
//go:generate avo -isa avx512 -kernel lrn -pkg kernel -out lrn_avx512_amd64.s -stubs lrn_avx512_stubs_amd64.go
//go:generate avo -isa avx512 -kernel pool -pkg kernel -out pool_avx512_amd64.s -stubs pool_avx512_stubs_amd64.go
//go:generate avo -isa avx512 -kernel winograd -pkg kernel -out winograd_avx512_amd64.s -stubs winograd_avx512_stubs_amd64.go
//go:generate avo -isa avx512 -kernel winograd4x3 -pkg kernel -out winograd4x3_avx512_amd64.s -stubs winograd4x3_avx512_stubs_amd64.go
//go:generate avo -isa avx512 -kernel winograd4x5 -pkg kernel -out winograd4x5_avx512_amd64.s -stubs winograd4x5_avx512_stubs_amd64.go
