package gpu

import (
	"errors"
	"time"
)

// Joiner is what a Device also does for ranks: devices of a job, each driven by
// a process or a thread of its own, which make the same calls in the same order.
type Joiner interface {
	// CommunicatorID makes what the ranks of one Communicator find each other
	// by, at most 128 bytes. One rank makes it and tells the others.
	CommunicatorID() ([]byte, error)
	// Join returns when all ranks have come, or with ErrStalled when they
	// haven't within a time.
	Join(id []byte, rank, ranks int, within time.Duration) (Communicator, error)
}

// Communicator moves device memory between ranks. Its calls enqueue work on
// streams of its device; what ranks enqueue runs in the order of the calls, on
// whichever streams. None of it is captured. A call may wait for the other ranks
// to make theirs.
//
// Failure and Abort are for another thread, which has called Bind, too.
type Communicator interface {
	// AllReduce replaces the elements of some arrays by their sums over all ranks,
	// which have the same bits on all of them.
	AllReduce(s Stream, arrays []Array, t Type) error
	// AllReduceFlag replaces a uint32 by the largest of all ranks'.
	AllReduceFlag(s Stream, at Pointer) error
	// AllGather writes the count elements that rank r has at src to the r-th of
	// equal blocks at dst.
	AllGather(s Stream, dst, src Pointer, count int64, t Type) error
	// AllToAll sends the r-th block of count elements at src to rank r, for
	// every r; the r-th block at dst becomes what rank r has sent here.
	AllToAll(s Stream, dst, src Pointer, count int64, t Type) error
	// Failure is what has gone wrong with work that was enqueued, nil while
	// nothing has. It wraps ErrStalled.
	Failure() error
	// Abort makes what is enqueued end, without a result, and everything later
	// fail with ErrStalled.
	Abort() error
	// Close ends the communicator after its work has run. It waits a moment for
	// the other ranks; that they don't come is no failure.
	Close() error
}

// Array is elements in a row.
type Array struct {
	At    Pointer
	Count int64
}

// ErrStalled is a failure of other ranks, or of the way to them.
var ErrStalled = errors.New("the ranks don't meet")
