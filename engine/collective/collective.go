// Package collective connects processes that train together, so that they can add up
// their gradients. A launcher that the user already has (mpirun, srun, torchrun,
// Kubernetes) starts the same command on every rank. Package mpi connects the ranks
// of an MPI launcher, package tcp those of other launchers.
package collective

import "alexnet/engine"

// Collective is the group of ranks that a process belongs to, and the place of this
// process in it. It is used from one goroutine at a time.
type Collective interface {
	// Group has the calls of all ranks. Sums are taken in order of the ranks, in
	// float32, so that every rank gets the same bits on every run.
	engine.Group
	// Local returns this process's number among the ranks of its host, from 0. It
	// chooses among the host's GPUs.
	Local() int
	// Hosts returns the name of every rank's host.
	Hosts() []string
	// Sent returns the number of bytes of values that this rank has sent to others.
	Sent() int64
	// Abort prints the reason and ends the processes of all ranks.
	Abort(reason error)
	// Close leaves the group. Every rank must call it.
	Close() error
}

// Several returns the group for a model: nil if there is one rank only.
func Several(c Collective) engine.Group {
	if c.Size() == 1 {
		return nil
	}
	return c
}

// Barrier returns when every rank has called it.
func Barrier(g engine.Group) error {
	_, err := g.Gather(nil)
	return err
}

// Single is the group of one process.
type Single struct{}

func (Single) Rank() int                            { return 0 }
func (Single) Size() int                            { return 1 }
func (Single) Local() int                           { return 0 }
func (Single) Hosts() []string                      { return []string{"localhost"} }
func (Single) Broadcast([]byte, int) error          { return nil }
func (Single) Gather(data []byte) ([][]byte, error) { return [][]byte{data}, nil }
func (Single) AllReduce([]float32) func() error     { return done }
func (Single) AllGather([]float32) func() error     { return done }
func (Single) Sent() int64                          { return 0 }
func (Single) Abort(error)                          {}
func (Single) Close() error                         { return nil }

// AllToAll copies the one block.
func (Single) AllToAll(dst, src []float32) func() error {
	copy(dst, src)
	return done
}

func done() error { return nil }
