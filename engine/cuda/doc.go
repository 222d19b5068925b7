// Package cuda runs the engine's ops on NVIDIA GPUs, without cgo and without
// the CUDA toolkit at build time.
//
// A context is a queue, an arena and three streams: one computes, one copies from the
// host, and one copies to it. With ranks a fourth stream adds up gradients. [Open] makes
// contexts on the GPUs of the machine. Two contexts on one GPU share it and run side by
// side.
//
// # From ops to launches
//
// Compile turns a list of ops into steps (lower*.go). A step enqueues kernels
// (internal/kernels), matrix products and convolutions (cuBLASLt and cuDNN, behind
// internal/gpu). Neighbours are fused (lower_fused.go): a convolution with its bias and
// ReLU, normalisation with pooling, their gradients with the ReLU's, a ReLU's gradient
// with the bias's, sums that ranks begin together, all updates of a program. If conv1
// alone reads the net's input, bytes are folded directly into the picture that it
// computes on, forward and backward. Signals, awaits, copies from another GPU and
// exchanges between ranks cut the steps into segments. A segment is captured as a graph
// when it runs for the second time, and replayed from then on. Numbers that change from
// run to run are in device memory, so that graphs stay valid (program.go).
//
// # Memory
//
// All memory is one allocation, sized before any work: tensors, workspace for products,
// and a staging ring. Tensors are stored with their channels last: activations
// (N, H, W, C), weights (O, H, W, I); the host sees the order of the shape (layout.go).
// On a bfloat16 context every parameter has a working copy behind its float32 values.
// Uploads and the update rule also write this copy.
//
// # Copies
//
// The staging ring (transfer.go) exists on the device and in pinned (page-locked) host
// memory. It is twice as large as the data that the host sends and reads in one step.
// While the device computes on one batch, the next is copied to a free part of the ring,
// and from there to the arena in order with the computation. Memory from AllocateHost is
// pinned already and copied directly: the loader decodes batches into it, so that the
// host touches pixels once. A second goroutine waits for enqueued work, takes downloads
// out of the ring and completes marks (retire.go), so that reading a step's losses stalls
// nothing.
//
// # Order between contexts
//
// An await waits on the host until the signal has been enqueued, and then makes its stream
// wait for it (event.go). So all work that is on a GPU can run to its end, and contexts may
// be driven in any order.
//
// # Ranks
//
// A context that has joined the ranks of a job (ranks.go) exchanges tensors with the
// same context of every other rank through NCCL, behind internal/gpu. Sums of gradients
// run on a fourth stream, at the same time as the computation, in float32 or, with
// Options.Wire, in bfloat16. Exchanges of activations run in order with the computation
// (lower_ranks.go). No exchange is in a graph: a communicator cannot be closed while a
// graph holds its work, and the watch needs an event before and after every exchange.
// The watch (watch.go) fails the context with engine.ErrStalled, and aborts the
// communicator, when an exchange takes longer than Options.RankTimeout or NCCL reports
// a failure. NCCL takes its own memory when the ranks are joined, beside the memory of
// Reserve. Of the contexts on one GPU only one can join.
//
// # Failures
//
// After the first failed call nothing more is enqueued, and every later call returns its
// error, which names the op, the tensor and the library's call and quotes the library's
// message. Contexts that await the failed one fail too, and Close never hangs.
package cuda
