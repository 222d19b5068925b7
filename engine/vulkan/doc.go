// Package vulkan runs the engine's ops on any device with Vulkan 1.2, buffer device
// addresses and timeline semaphores: cards of AMD, Intel and NVIDIA, Apple's through
// MoltenVK, and Mesa's lavapipe. Lavapipe computes on the processor; this package is
// tested on it. There is no cgo; Vulkan's loader is found when a program runs.
//
// A context is an arena, a queue of work and a timeline. [Open] makes contexts by the
// devices' numbers; two on one device share it and read each other's memory.
//
// # From ops to dispatches
//
// Compile turns each op into dispatches of compute shaders (lower*.go, and
// internal/shaders for the shaders). Convolutions and dense layers are products of
// matrices in tiles; a convolution gathers its patches as it reads and never stores them.
// The constants of a layer are specialisation constants: the tile, chosen by time (tune.go)
// or by the product's shape, within the device's limits, and a convolution's geometry. A
// program's command buffers are recorded when it first runs and submitted from then on.
// They are cut where the program signals or awaits an event. Numbers that change from step
// to step are in the device's memory, written before a run.
//
// # Sums
//
// A sum's order depends on shapes alone, so that runs repeat bit for bit on a device.
// Gradients of a convolution's weights, sums over all pixels of a batch, are made in
// pieces that a second dispatch adds up. With Options.Precision "bf16" activations and
// their gradients are stored in bfloat16, and everything else stays float32; products
// may be made of the device's cooperative matrices (matrices.go). Exponentials and
// powers are our own functions, since Vulkan guarantees little accuracy for a device's
// own.
//
// # Memory
//
// Everything on the device is one buffer, sized before any work: tensors, in the order
// that the host sees, and the workspace. Shaders get addresses, so that no limit on
// bindings applies. A ring of host memory (transfer.go) serves copies both ways. Memory
// that a peer reads is freed only when the peer is closed too.
//
// # Failures
//
// After the first failed call nothing more is enqueued. Every later call returns the
// same error, which names Vulkan's call and its result. Contexts that await the failed
// one fail too.
package vulkan
