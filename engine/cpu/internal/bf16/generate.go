package bf16

//go:generate go run ../../_generate/bf16
//go:generate go run -modfile=../../../../tools/generate/avo.mod ../../_generate -kernel neon-bf16 -out neon_arm64.s -stubs neon_stubs_arm64.go
