package mpi

import (
	"fmt"
	"unsafe"
)

// Broadcast overwrites data with root's.
func (w *World) Broadcast(data []byte, root int) error {
	for len(data) > 0 {
		part := data[:min(len(data), 1<<30)]
		data = data[len(part):]
		err := w.do(func() error {
			r, err := w.start("MPI_Ibcast", w.lib.ibcast, []any{&part[0]},
				uintptr(unsafe.Pointer(&part[0])), uintptr(len(part)), w.lib.bytes, uintptr(root), w.control)
			return w.finish("a broadcast", r, err)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Gather returns every rank's data.
func (w *World) Gather(data []byte) ([][]byte, error) {
	lengths := make([]byte, 8*w.size)
	put := func(b []byte, n int) { *(*int64)(unsafe.Pointer(&b[0])) = int64(n) }
	put(lengths[8*w.rank:], len(data))
	ends := make([]int, w.size+1)
	for r := range ends {
		ends[r] = 8 * r
	}
	if err := w.do(func() error { return w.allGather(lengths, ends, w.control) }); err != nil {
		return nil, err
	}
	for r := range w.size {
		ends[r+1] = ends[r] + int(*(*int64)(unsafe.Pointer(&lengths[8*r])))
	}
	if ends[w.size] > 1<<30 {
		return nil, fmt.Errorf("gathering %d bytes, at most 1 GiB is supported", ends[w.size])
	}
	all := make([]byte, ends[w.size]+1) // never empty, so that it has an address
	copy(all[ends[w.rank]:], data)
	if err := w.do(func() error { return w.allGather(all, ends, w.control) }); err != nil {
		return nil, err
	}
	parts := make([][]byte, w.size)
	for r := range parts {
		parts[r] = all[ends[r]:ends[r+1]:ends[r+1]]
	}
	return parts, nil
}

// allGather fills in the other ranks' parts of data; part r ends at ends[r+1].
func (w *World) allGather(data []byte, ends []int, communicator uintptr) error {
	r, err := w.startGather(data, ends, communicator)
	return w.finish("a gather", r, err)
}

func (w *World) startGather(data []byte, ends []int, communicator uintptr) (*request, error) {
	counts, starts := spans(ends)
	return w.start("MPI_Iallgatherv", w.lib.iallgatherv, []any{&data[0], &counts[0], &starts[0]},
		w.lib.inPlace, 0, w.lib.bytes,
		uintptr(unsafe.Pointer(&data[0])), uintptr(unsafe.Pointer(&counts[0])), uintptr(unsafe.Pointer(&starts[0])), w.lib.bytes, communicator)
}

// spans returns the counts and starts of parts, as MPI's int.
func spans(ends []int) (counts, starts []int32) {
	counts, starts = make([]int32, len(ends)-1), make([]int32, len(ends)-1)
	for r := range counts {
		counts[r], starts[r] = int32(ends[r+1]-ends[r]), int32(ends[r])
	}
	return counts, starts
}
