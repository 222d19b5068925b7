// Package mpi connects the ranks of a job through the MPI library of their launcher:
// Open MPI or MPICH, with MPICH's relatives Intel MPI and MVAPICH. It finds the
// library at run time, without cgo.
//
// MPI only moves bytes. The sums are made here, in order of the ranks, so their bits
// do not depend on the library or on its choice of algorithm. A sum is a
// reduce-scatter (each rank receives all others' values of its own share and adds
// them) followed by an all-gather of the shares. A rank sends and receives 2·(n−1)/n
// of the values, as in a ring all-reduce. Both halves are non-blocking, so sums of
// earlier values travel while later ones are computed.
//
// All calls come from one goroutine locked to its thread (MPI_THREAD_SERIALIZED).
package mpi
