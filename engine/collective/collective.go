// Package collective lets processes that train together add up their gradients.
// A launcher that the user already has (mpirun, srun, torchrun, Kubernetes) starts
// the same command on every rank; package mpi connects them where the launcher is
// MPI's, and package tcp elsewhere.
package collective

// Collective is the group of ranks that a process belongs to. Every rank makes
// the same calls in the same order. It is used from one goroutine at a time.
type Collective interface {
	// Rank is this process's number, 0 to Size−1.
	Rank() int
	// Size is the number of processes.
	Size() int
	// Local is this process's number among those of its host, from 0: which of
	// the host's GPUs is its own.
	Local() int
	// Hosts names every rank's host.
	Hosts() []string
	// Broadcast overwrites data with root's on every rank; all have the same
	// length.
	Broadcast(data []byte, root int) error
	// Gather returns every rank's data, in order of the ranks. The lengths may
	// differ.
	Gather(data []byte) ([][]byte, error)
	// AllReduce begins to replace values by their sum over all ranks and returns
	// at once; here and below the arrays belong to the collective until Wait has
	// returned. The sum is taken in order of the ranks, in float32, so that every
	// rank gets the same bits on every run.
	AllReduce(values []float32) Pending
	// AllGather begins to fill in the other ranks' blocks of values, which is
	// Size equal blocks of which this rank has filled its own.
	AllGather(values []float32) Pending
	// AllToAll begins to send the r-th of src's Size equal blocks to rank r, for
	// every r; the r-th block of dst becomes what rank r has sent here.
	AllToAll(dst, src []float32) Pending
	// Sent is the number of bytes of values that this rank has sent to others.
	Sent() int64
	// Barrier returns when every rank has called it.
	Barrier() error
	// Abort ends every rank's process, after printing why.
	Abort(reason error)
	// Close leaves the group; every rank has to.
	Close() error
}

// Pending is a sum or an exchange of values under way.
type Pending interface {
	// Wait returns when the values are there. Any order of waiting will do.
	Wait() error
}

// Single is the group of one process.
type Single struct{}

func (Single) Rank() int                            { return 0 }
func (Single) Size() int                            { return 1 }
func (Single) Local() int                           { return 0 }
func (Single) Hosts() []string                      { return []string{"localhost"} }
func (Single) Broadcast([]byte, int) error          { return nil }
func (Single) Gather(data []byte) ([][]byte, error) { return [][]byte{data}, nil }
func (Single) AllReduce([]float32) Pending          { return done{} }
func (Single) AllGather([]float32) Pending          { return done{} }
func (Single) Sent() int64                          { return 0 }
func (Single) Barrier() error                       { return nil }
func (Single) Abort(error)                          {}
func (Single) Close() error                         { return nil }

// AllToAll copies the one block.
func (Single) AllToAll(dst, src []float32) Pending {
	copy(dst, src)
	return done{}
}

type done struct{}

func (done) Wait() error { return nil }
