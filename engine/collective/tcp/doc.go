// Package tcp connects the ranks of a job that no MPI launcher has started: ranks of
// torchrun, of srun --mpi=none, of a Kubernetes indexed Job, or of a shell script.
// Rank 0 listens and the others connect to it. Each side proves by a challenge that
// it knows the job's secret; the secret itself never travels. Later messages are
// neither encrypted nor signed: the network must be trusted.
//
// The ranks form a star. Each has two connections to rank 0: one for calls on bytes
// (control) and one for values. Every call has one form: all ranks send their part to
// rank 0, in the order of their calls, and rank 0 answers. Rank 0 adds values up in
// order of the ranks, chunk by chunk, so the sums have the same bits as those of
// package mpi, and no rank holds more than a chunk of another's values. All values of
// all ranks pass through rank 0: this is enough for small jobs and tests. Training at
// scale uses MPI on CPUs and NCCL on GPUs; NCCL needs this package only for the
// rendezvous.
//
// A rank whose connection breaks ends the job on all ranks, and so does a rank that
// does not come to a call in time. So no process of the job outlives the others:
// goroutines of this package end it, even while it computes. TCP's keep-alive and user
// timeout detect a host that vanishes without a message.
package tcp
