// Package bridge lets contexts of different kinds, such as a processor and a GPU, or
// two GPUs that can't read each other's memory, hold one net together.
//
// [Join] wraps each context in one that behaves as the engine's contract says, so that
// ops may read tensors of any of the others. What another context reads is copied to
// host memory at the owner's next Signal, and from there to a place behind the reader's
// arena when the reader runs on after its Await. At every Signal the host waits for the
// context, so mixed contexts overlap less than those of a kind. Ranks are refused.
package bridge
