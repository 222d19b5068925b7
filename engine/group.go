package engine

import "errors"

// ErrStalled is the error of a context that has waited for other ranks in vain: a
// rank did not come in time, or the connection to it is broken.
var ErrStalled = errors.New("the ranks have stalled")

// A Group is the ranks of a data-parallel job: processes that take the same steps,
// each on its own share of every batch.
//
// Between the backward pass and the update a model hands over the gradients of all
// parameters that every rank holds. It begins with the last layer and hands over each
// gradient as soon as it is there, so that a sum travels while earlier layers are
// computed. After a step the ranks tell each other its losses, and whether they have
// been asked to stop. The order of the calls and the lengths of all values depend on
// the net alone: every rank makes the same calls in the same order, from one
// goroutine.
//
// A context that is a Joiner moves its tensors itself.
type Group interface {
	// Rank is this process's number, from 0; Size is the number of ranks. Rank 0
	// saves.
	Rank() int
	Size() int
	// Broadcast overwrites data on every rank with root's data. All have the same
	// length.
	Broadcast(data []byte, root int) error
	// Gather returns every rank's data, in order of the ranks. The lengths may
	// differ. A rank with failed devices may gather nothing where the others gather
	// something; the others then fail too.
	Gather(data []byte) ([][]byte, error)
	// AllReduce begins to replace values by their sum over all ranks. The sum has the
	// same bits on every rank. The call returns at once. Here and below, the arrays
	// belong to the group until wait has returned; waits may come in any order.
	AllReduce(values []float32) (wait func() error)
	// AllGather begins to fill in the other ranks' blocks of values. values has
	// Size() blocks of equal length; this rank has filled its own.
	AllGather(values []float32) (wait func() error)
	// AllToAll begins to send the r-th of src's Size() equal blocks to rank r. The
	// r-th block of dst becomes the block that rank r has sent to this rank.
	AllToAll(dst, src []float32) (wait func() error)
}
