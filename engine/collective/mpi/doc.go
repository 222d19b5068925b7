// Package mpi connects the ranks of a job through the MPI library that its
// launcher uses, Open MPI or MPICH (and MPICH's relatives: Intel MPI, MVAPICH),
// found at run time, without cgo.
//
// MPI moves bytes and nothing else: sums are made here, in order of the ranks,
// so their bits don't depend on the library or its choice of algorithm. A sum
// is a reduce-scatter (each rank receives all others' values of its own share
// and adds them) followed by an all-gather of the shares: a rank sends and
// receives 2·(n−1)/n of the values, as a ring all-reduce does. Both halves are
// non-blocking, so sums of earlier values travel while later ones are computed.
//
// All calls come from one goroutine locked to its thread
// (MPI_THREAD_SERIALIZED).
package mpi
