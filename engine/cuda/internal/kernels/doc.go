// Package kernels holds engine/cuda's own kernels: everything in a training step
// except matrix products and convolutions.
//
// They are written in CUDA C (package source), one subject a file. The Go file with
// the same stem describes what the kernels compute. `go generate` compiles them to
// PTX for compute capability 8.0 and newer, and the PTX is embedded, so that neither
// building nor running needs NVIDIA's compilers. Package host compiles the same
// sources for the CPU, where the tests run them.
//
// A kernel is a method of Set with one struct of parameters. The struct has the
// layout of the kernel's C struct and is copied before the method returns. T is the
// set's working type. Shapes are those in memory: activations are channels last, (N,
// H, W, C), weights (O, k, k, C). "Rows" are the pixels of all images: N·H·W of them,
// each with C channels.
//
// Arithmetic is in float32 and rounds to T when it stores. Sums have a fixed order
// and nothing is added atomically, so results repeat bit for bit, on every card and
// with any number of processors. Pointers are aligned to 16 bytes. A kernel reads and
// writes 16 bytes at a time if the number of channels is a multiple of 16/sizeof(T);
// for other numbers of channels a slower variant runs, whose name ends in _any. There
// are fewer than 2³¹ rows; there may be more elements.
//
// Lower translates the ops that kernels compute alone; package cuda adds products,
// convolutions, and what contexts and ranks exchange.
//
// To add a kernel: a .cu file with the kernel and its struct, a Go file with the same
// struct, the method and the op's row in Lower, `go generate`, and a test against plain
// loops or the conformance suite's reference. Tests fail when the structs differ, when
// the PTX is older than its sources, and when blocks or threads in another order give
// another result.
package kernels

//go:generate go run ./generate
