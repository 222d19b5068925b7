// Package tcp connects the ranks of a job that no MPI launcher has started: those
// of torchrun, of srun --mpi=none, of a Kubernetes indexed Job, or of a shell
// script. Rank 0 listens, the others find it, and each side proves to the other
// by a challenge that it knows the job's secret, which itself never travels. What
// follows is neither encrypted nor signed: the network is the cluster's own.
//
// The ranks are a star. Each has two connections to rank 0, one for calls on
// bytes (control) and one for values, and every call has one form: all send their
// part to rank 0, in the order of their calls, and rank 0 answers. Sums are taken
// there in order of the ranks, chunk by chunk, so their bits are those of package
// mpi and no rank holds more than a chunk of another's values. All values of all
// ranks pass rank 0: that is enough for small jobs and tests. Training at scale
// wants MPI on CPUs and NCCL on GPUs, which needs this package only for the rendezvous.
//
// A rank whose connection breaks ends the job on all ranks, and so does one that
// doesn't come to a call in time: a process of the job doesn't outlive the others,
// whatever it is doing, since goroutines of this package end it. A host that
// vanishes without a word is found out by TCP's keep-alive and user timeout.
package tcp
