package engine

import "errors"

// ErrStalled is what a context has failed with that waited for other ranks: one
// of them didn't come in time, or the way to it is broken.
var ErrStalled = errors.New("the ranks have stalled")

// A Group is the ranks of a data-parallel job: processes that each see their share
// of every batch and take the same steps.
//
// Between the backward pass and the update a model hands over the gradients of
// every parameter that all ranks hold, the last layer's first, each as soon as it
// is there, so that a sum travels while earlier layers are computed. After a step
// the ranks tell each other its losses and whether they have been asked to stop.
// The order of the calls, and all lengths of values, depend on the net alone;
// every rank makes the same calls in the same order, from one goroutine.
//
// A context that is a Joiner moves its tensors itself.
type Group interface {
	// Rank is this process's number, from 0, and Size that of the ranks. Rank 0
	// saves.
	Rank() int
	Size() int
	// Broadcast overwrites data with root's on every rank; all have the same
	// length.
	Broadcast(data []byte, root int) error
	// Gather returns every rank's data, in order of the ranks. The lengths may
	// differ. A rank whose devices have failed may gather nothing where the others
	// gather something: they then fail too.
	Gather(data []byte) ([][]byte, error)
	// AllReduce begins to replace values by their sum over all ranks, which has
	// the same bits on all of them. It returns at once; here and below the arrays
	// are the group's until wait has returned, and any order of waiting will do.
	AllReduce(values []float32) (wait func() error)
	// AllGather begins to fill in the other ranks' blocks of values, which is
	// Size() blocks of equal length of which this rank has filled its own.
	AllGather(values []float32) (wait func() error)
	// AllToAll begins to send the r-th of src's Size() equal blocks to rank r; the
	// r-th block of dst becomes what rank r has sent here.
	AllToAll(dst, src []float32) (wait func() error)
}
