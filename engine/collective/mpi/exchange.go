package mpi

import (
	"fmt"
	"math"
	"unsafe"

	"alexnet/engine/collective"
)

// exchange is an AllGather or AllToAll in progress: one operation of MPI. Blocks are
// always sent as float32.
type exchange struct {
	w       *World
	request *request
	done    chan struct{}
	err     error
}

// wait returns when the blocks have arrived.
func (e *exchange) wait() error {
	<-e.done
	return e.err
}

// AllGather begins to fill in the other ranks' blocks of values.
func (w *World) AllGather(values []float32) func() error {
	return w.exchange(len(values), func() (*request, error) {
		w.sent.Add(int64(w.size-1) * 4 * int64(len(values)/w.size))
		return w.startGather(collective.Float32.Encode(values), blockEnds(len(values), w.size), w.blocks)
	})
}

// AllToAll begins to send a block of src to every rank.
func (w *World) AllToAll(dst, src []float32) func() error {
	if w.size == 1 {
		copy(dst, src)
	}
	return w.exchange(len(src), func() (*request, error) {
		w.sent.Add(int64(w.size-1) * 4 * int64(len(src)/w.size))
		counts, starts := spans(blockEnds(len(src), w.size))
		return w.startAllToAll(collective.Float32.Encode(src), counts, starts, collective.Float32.Encode(dst), counts, starts, w.blocks)
	})
}

// blockEnds returns the ends of equal blocks of n float32 values, in bytes.
func blockEnds(n, ranks int) []int {
	ends := make([]int, ranks+1)
	for r := range ends {
		ends[r] = 4 * (n / ranks) * r
	}
	return ends
}

// exchange begins an operation on n values on the MPI thread.
func (w *World) exchange(n int, start func() (*request, error)) func() error {
	e := &exchange{w: w, done: make(chan struct{})}
	switch {
	case w.size == 1 || n == 0:
		close(e.done)
		return e.wait
	case n%w.size != 0 || n > math.MaxInt32/4:
		e.err = fmt.Errorf("exchanging %d values over %d ranks: want equal blocks of 2 GiB at most together", n, w.size)
		close(e.done)
		return e.wait
	}
	w.calls <- func() {
		if e.request, e.err = start(); e.err != nil {
			close(e.done)
			return
		}
		w.exchanges = append(w.exchanges, e)
		w.watchValues()
	}
	return e.wait
}

// advanceExchanges ends exchanges that are complete, and reports whether there was
// one.
func (w *World) advanceExchanges() bool {
	moved := false
	for i := 0; i < len(w.exchanges); i++ {
		e := w.exchanges[i]
		ok, err := w.completed(e.request)
		if !ok && err == nil {
			continue
		}
		e.err = err
		moved = true
		w.exchanges = append(w.exchanges[:i], w.exchanges[i+1:]...)
		i--
		close(e.done)
		w.watchValues()
	}
	return moved
}

// startAllToAll sends parts of src to the ranks and receives theirs; counts and
// starts are in bytes.
func (w *World) startAllToAll(src []byte, sendCounts, sendStarts []int32, dst []byte, counts, starts []int32, communicator uintptr) (*request, error) {
	return w.start("MPI_Ialltoallv", w.lib.ialltoallv,
		[]any{&src[0], &sendCounts[0], &sendStarts[0], &dst[0], &counts[0], &starts[0]},
		uintptr(unsafe.Pointer(&src[0])), uintptr(unsafe.Pointer(&sendCounts[0])), uintptr(unsafe.Pointer(&sendStarts[0])), w.lib.bytes,
		uintptr(unsafe.Pointer(&dst[0])), uintptr(unsafe.Pointer(&counts[0])), uintptr(unsafe.Pointer(&starts[0])), w.lib.bytes,
		communicator)
}
