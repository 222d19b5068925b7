package mpi

import (
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"time"
	"unsafe"

	"alexnet/engine/collective"
	"alexnet/engine/collective/launcher"
)

// Options tune a World.
type Options struct {
	// Timeout is how long a rank waits for the others within one call. Then it names
	// the missing ranks and ends the job. 0 means 5 minutes.
	Timeout time.Duration
	// Wire is the format of values between ranks.
	Wire collective.Wire
}

// World is the group of all ranks of the job, a collective.Collective.
type World struct {
	lib     *library
	options Options
	rank    int
	size    int
	hosts   []string

	// Sums have two stages. Each stage has its own communicator, on which every rank starts
	// the sums in the same order, in whatever order they finish. Exchanges of blocks have
	// another; they start at once.
	control, scatter, gather, blocks uintptr

	calls     chan func()
	stopped   chan struct{}
	sums      []*sum      // not finished, in the order of the calls; the MPI thread's
	exchanges []*exchange // likewise
	spare     spare       // likewise
	watch     watch
	aborted   atomic.Bool
	sent      atomic.Int64 // bytes of values
}

// Open joins the job that a launcher has started. The caller closes the World.
func Open(o Options) (*World, error) {
	if o.Timeout == 0 {
		o.Timeout = 5 * time.Minute
	}
	quietSignals()
	lib, err := open(candidates(os.Getenv))
	if err != nil {
		return nil, err
	}
	return openWith(lib, o)
}

func openWith(lib *library, o Options) (*World, error) {
	w := &World{lib: lib, options: o, calls: make(chan func()), stopped: make(chan struct{}), spare: spare{}}
	go w.serve()
	if err := w.join(); err != nil {
		// Other ranks may still be running: the launcher ends them after this one.
		close(w.calls)
		<-w.stopped
		return nil, fmt.Errorf("%s (%s): %w", lib.version, lib.path, err)
	}
	return w, nil
}

// join connects this rank to the others.
func (w *World) join() error {
	if err := w.do(w.begin); err != nil {
		return err
	}
	host, err := os.Hostname()
	if err != nil {
		host = "unknown host"
	}
	hosts, err := w.Gather([]byte(host))
	if err != nil {
		return err
	}
	for _, h := range hosts {
		w.hosts = append(w.hosts, string(h))
	}
	return nil
}

// begin initialises MPI, on its thread.
func (w *World) begin() error {
	l := w.lib
	const serialized = 2 // MPI_THREAD_SERIALIZED
	var provided int32
	if err := l.call("MPI_Init_thread", l.initThread, 0, 0, serialized, uintptr(unsafe.Pointer(&provided))); err != nil {
		return err
	}
	var rank, size int32
	if err := errors.Join(
		l.call("MPI_Comm_set_errhandler", l.setErrhandler, l.world, l.errorsReturn),
		l.call("MPI_Comm_rank", l.commRank, l.world, uintptr(unsafe.Pointer(&rank))),
		l.call("MPI_Comm_size", l.commSize, l.world, uintptr(unsafe.Pointer(&size))),
	); err != nil {
		return err
	}
	w.rank, w.size = int(rank), int(size)
	if want, by := launcher.MPISize(os.Getenv); want != w.size {
		return fmt.Errorf("the launcher started %d processes (%s), but this library sees %d: it isn't the launcher's own; set %s to the library of the mpirun in use", want, by, w.size, pathVariable)
	}
	for _, c := range []*uintptr{&w.control, &w.scatter, &w.gather, &w.blocks} {
		if err := l.call("MPI_Comm_dup", l.commDup, l.world, uintptr(unsafe.Pointer(c))); err != nil {
			return err
		}
		if err := l.call("MPI_Comm_set_errhandler", l.setErrhandler, *c, l.errorsReturn); err != nil {
			return err
		}
	}
	return w.listen()
}

// Rank is this process's number.
func (w *World) Rank() int { return w.rank }

// Size is the number of processes.
func (w *World) Size() int { return w.size }

// Hosts returns the name of every rank's host.
func (w *World) Hosts() []string { return w.hosts }

// Local is this process's number on its host.
func (w *World) Local() int {
	n := 0
	for _, h := range w.hosts[:w.rank] {
		if h == w.hosts[w.rank] {
			n++
		}
	}
	return n
}

// Sent returns the number of bytes of values that this rank has sent to others.
func (w *World) Sent() int64 { return w.sent.Load() }

// Library returns the version and path of the MPI library in use.
func (w *World) Library() string { return w.lib.version + " (" + w.lib.path + ")" }

var _ collective.Collective = (*World)(nil)
