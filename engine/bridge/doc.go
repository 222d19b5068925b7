// Package bridge lets contexts of different kinds hold one net together: a processor
// and a GPU, or two GPUs that cannot read each other's memory.
//
// [Join] wraps each context in one that keeps the engine's contract, so that ops may
// read tensors of any of the others. A tensor that another context reads is copied to
// host memory at the owner's next Signal, and from there to a place behind the
// reader's arena when the reader continues after its Await. At every Signal the host
// waits for the context, so mixed contexts overlap less than contexts of one kind.
// Ranks meet through the host.
package bridge
