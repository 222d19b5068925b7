package engine

import "errors"

// ErrStalled is what a context has failed with that waited for other ranks: one
// of them didn't come in time, or the way to it is broken.
var ErrStalled = errors.New("the ranks have stalled")

// A Communicator joins the ranks of a job: processes that each see their share
// of every batch and take the same steps.
//
// Between the backward pass and the update a model hands over the gradients of
// every parameter that all ranks hold, the last layer's first, each as soon as it
// is there, so that a sum travels while earlier layers are computed. The order
// of the calls, and all lengths, depend on the net alone; every rank makes the
// same calls in the same order, from one goroutine. Each call begins something
// and returns at once; the arrays are the communicator's until wait has returned.
//
// A context that is a Joiner moves its tensors itself.
type Communicator interface {
	// Rank is this process's number, from 0, and Size that of the ranks.
	Rank() int
	Size() int
	// AllReduce replaces values by their sum over all ranks, which has the same
	// bits on all of them.
	AllReduce(values []float32) (wait func() error)
	// AllGather fills in the other ranks' blocks of values, which is Size()
	// blocks of equal length of which this rank has filled its own.
	AllGather(values []float32) (wait func() error)
	// AllToAll sends the r-th of src's Size() equal blocks to rank r; the r-th
	// block of dst becomes what rank r has sent here.
	AllToAll(dst, src []float32) (wait func() error)
}

// A Broadcaster tells all ranks what one of them knows.
type Broadcaster interface {
	// Broadcast overwrites data with root's on every rank.
	Broadcast(data []byte, root int) error
}
