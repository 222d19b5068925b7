// Package host runs the kernels on the CPU: their sources, compiled by g++ with
// a shim for CUDA's names, run thread by thread as a GPU would, in any order of
// blocks and threads that the test likes. It exists for tests, on machines
// without a GPU.
//
// What it can't show is what a GPU's own instructions round differently (rsqrt,
// exp, tanh and powers, within a unit or two in the last place, and fused
// multiply-adds), memory races within a warp, and speed.
package host
