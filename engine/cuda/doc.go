// Package cuda runs the engine's ops on NVIDIA GPUs, without cgo and without
// the CUDA toolkit at build time.
//
// A context is a queue, an arena and three streams: one computes, one copies
// from the host and one to it. [Open] makes contexts on the GPUs of the machine;
// two on one GPU share it and run side by side.
//
// # From ops to launches
//
// Compile turns a list of ops into steps (lower*.go), each of which enqueues
// kernels (internal/kernels), matrix products and convolutions (cuBLASLt and
// cuDNN, behind internal/gpu). Neighbours are fused (lower_fused.go): a product
// with its bias and ReLU, normalisation with pooling, their gradients with the
// ReLU's, a ReLU's gradient with the bias's, all updates of a program; and where
// conv1 alone reads the net's input, bytes become the folded picture that it
// computes on, forward and backward, without a picture in between. Signals, awaits
// and copies from another GPU cut the steps into segments; a segment is captured as a graph when it runs for
// the second time, and replayed from then on. Numbers that change from run to
// run are in device memory, so that graphs stay valid (program.go).
//
// # Memory
//
// Everything is one allocation, sized before any work: tensors, what products
// take besides, and a staging ring. Tensors are stored with their channels last:
// activations (N, H, W, C), weights (O, H, W, I); the host sees the order of the
// shape (layout.go). On a bfloat16 context every parameter has a working copy
// behind its float32 values, which uploads and the update rule keep true.
//
// # Copies
//
// The staging ring (transfer.go) is twice as large as what the host sends and
// reads in one step, on the device and in page-locked host memory. While the
// device computes on one batch, the next is copied to a free part of the ring;
// its place in the arena gets it in order with the computation. What lies in
// memory from AllocateHost, as the loader's batches do in train-alexnet, is copied
// from there, so that the host touches pixels once, as it decodes them. A second
// goroutine waits for what has been enqueued, takes downloads out of the ring and
// tells marks (retire.go), so that reading a step's losses stalls nothing.
//
// # Order between contexts
//
// An await waits on the host until the signal has been enqueued, and then makes
// its stream wait for it (event.go). So whatever is on a GPU can run to its end,
// and contexts may be driven in any order.
//
// # Failures
//
// After the first failed call nothing more is enqueued, and every later call
// returns it: the op, the tensor, the library's call and the library's own words.
// Contexts that await the failed one fail too, and Close never hangs.
package cuda
