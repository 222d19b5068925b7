package gpu

import (
	"errors"
	"time"
)

// Joiner is implemented by devices that exchange data with other ranks. Each rank is
// a process or a thread with its own device, and all ranks make the same calls in the
// same order.
type Joiner interface {
	// CommunicatorID makes the identity by which the ranks of one Communicator find
	// each other, at most 128 bytes. One rank makes it and sends it to the others.
	CommunicatorID() ([]byte, error)
	// Join returns when all ranks have joined, or with ErrStalled if they have not
	// within a time.
	Join(id []byte, rank, ranks int, within time.Duration) (Communicator, error)
}

// Communicator moves device memory between ranks. Its calls enqueue work on streams
// of its device. The ranks' work runs in the order of the calls, on any streams. It
// is never captured. A call may wait for the other ranks to make theirs.
//
// Failure and Abort may also be called by another thread, after Bind.
type Communicator interface {
	// AllReduce replaces the elements of some arrays by their sums over all ranks,
	// which have the same bits on all of them.
	AllReduce(s Stream, arrays []Array, t Type) error
	// AllReduceFlag replaces a uint32 by the largest value of all ranks.
	AllReduceFlag(s Stream, at Pointer) error
	// AllGather writes the count elements that rank r has at src to the r-th of
	// equal blocks at dst.
	AllGather(s Stream, dst, src Pointer, count int64, t Type) error
	// AllToAll sends the r-th block of count elements at src to rank r, for every r.
	// The r-th block at dst becomes the block that rank r has sent to this rank.
	AllToAll(s Stream, dst, src Pointer, count int64, t Type) error
	// Failure returns the failure of enqueued work; nil if there is none. It wraps
	// ErrStalled.
	Failure() error
	// Abort ends the enqueued work, without a result, and makes everything later fail
	// with ErrStalled.
	Abort() error
	// Close ends the communicator after its work has run. It waits a moment for the
	// other ranks; it is not a failure if they do not come.
	Close() error
}

// Array is a contiguous range of elements.
type Array struct {
	At    Pointer
	Count int64
}

// ErrStalled is a failure of other ranks, or of the connection to them.
var ErrStalled = errors.New("the ranks don't reach each other")
