package bf16

//go:generate go run ../../_generate/bf16
