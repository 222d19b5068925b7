// Package cuda runs the engine's ops on NVIDIA GPUs, without cgo and without
// the CUDA toolkit at build time.
//
// A context is a queue, an arena and three streams: one computes, one copies
// from the host and one to it; with ranks a fourth adds up gradients. [Open] makes contexts on the GPUs of the machine;
// two on one GPU share it and run side by side.
//
// # From ops to launches
//
// Compile turns a list of ops into steps (lower*.go), each of which enqueues
// kernels (internal/kernels), matrix products and convolutions (cuBLASLt and
// cuDNN, behind internal/gpu). Neighbours are fused (lower_fused.go): a convolution
// with its bias and ReLU, normalisation with pooling, their gradients with the
// ReLU's, a ReLU's gradient with the bias's, sums that ranks begin together, all
// updates of a program; and where conv1 alone reads the net's input, bytes become
// the folded picture that it computes on, forward and backward, without a picture
// in between. Signals, awaits, copies from another GPU and what ranks exchange cut
// the steps into segments; a segment is captured as a graph when it runs for the
// second time, and replayed from then on. Numbers that change from run to run are
// in device memory, so that graphs stay valid (program.go).
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
// # Ranks
//
// A context that has joined the ranks of a job (ranks.go) meets the same context
// of every other rank through NCCL, behind internal/gpu. Sums of gradients run on
// a fourth stream, beside the computation, in float32 or, with Options.Wire, in
// bfloat16; exchanges of activations run in order with it (lower_ranks.go). None
// of this is in a graph: a communicator can't be closed while one holds its work,
// and the watch wants an event on either side of every exchange. That watch
// (watch.go) fails the context with engine.ErrStalled, and aborts the
// communicator, when an exchange takes longer than Options.RankTimeout or NCCL
// reports a failure. NCCL takes memory of its own when the ranks are joined,
// beside what Reserve has taken. Of the contexts on one GPU only one can join.
//
// # Failures
//
// After the first failed call nothing more is enqueued, and every later call
// returns it: the op, the tensor, the library's call and the library's own words.
// Contexts that await the failed one fail too, and Close never hangs.
package cuda
