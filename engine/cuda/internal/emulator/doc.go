// Package emulator is a gpu.Device on the host's memory, for tests on machines
// without a GPU. Device pointers are host addresses, streams are goroutines,
// and kernels are the CUDA sources compiled for the host; products and
// convolutions, which libraries do on a real GPU, are plain loops.
//
// It is stricter than a GPU: a call from a thread that hasn't called Bind, a
// copy from memory that isn't page-locked, an allocation while the thread
// captures, an event in a captured graph, a write outside an allocation and
// anything that isn't closed are all reported. Fresh memory is poisoned with
// NaNs. What it can't show is how the driver and NVIDIA's libraries behave.
package emulator
