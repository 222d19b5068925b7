// Package host runs the kernels on the CPU. It compiles their sources by g++ with a
// shim for CUDA's names, and runs them thread by thread as a GPU would, in any order
// of blocks and threads that the test asks for. It exists for tests on machines
// without a GPU.
//
// It cannot show differences in rounding of a GPU's own instructions (rsqrt, exp,
// tanh and powers, within a unit or two in the last place, and fused multiply-adds),
// memory races within a warp, and speed.
package host
