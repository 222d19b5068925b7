package mpi

import (
	"fmt"
	"os"
	"slices"
	"time"

	"alexnet/internal/dynlib"
	"alexnet/internal/printable"
)

// How long MPI_Finalize may take after all ranks have called it. A process that leaves
// before its end is a failure to the launcher, which kills the others; on a busy machine
// a healthy rank may wait long for the launcher's daemon.
//
// MPICH before 4.2 may never end between hosts if UCX sends by TCP: a rank that has
// finished blocks in the launcher's barrier, and doesn't handle the last messages of
// another (github.com/pmodels/mpich/pull/6596). All our exchanges are complete by then.
const (
	ends    = time.Minute
	mayHang = 5 * time.Second
)

// limit is how long MPI_Finalize may take here.
func (w *World) limit() time.Duration {
	if len(slices.Compact(slices.Sorted(slices.Values(w.hosts)))) > 1 && hangs(w.lib.version) {
		return mayHang
	}
	return ends
}

// hangs reports whether MPI_Finalize of this library's version may hang between hosts.
func hangs(version string) bool {
	mpich, old := isMPICH(version)
	return mpich && old
}

// isMPICH reports whether a library's version is one of MPICH, and whether it is
// before 4.2.
func isMPICH(version string) (mpich, old bool) {
	var major, minor int
	_, err := fmt.Sscanf(version, "MPICH Version: %d.%d", &major, &minor)
	return err == nil, major < 4 || major == 4 && minor < 2
}

// end finalises MPI. MPICH since 4.2 reports to the launcher only in C's exit handlers
// (github.com/pmodels/mpich/pull/6534), and a Go program ends without them. The launcher
// would take the first rank that ends for a dead one, and kill the others on its host.
// Unloading the library runs the handlers, too.
func (l *library) end() error {
	if err := l.call("MPI_Finalize", l.finalize); err != nil {
		return err
	}
	if mpich, old := isMPICH(l.version); mpich && !old {
		return dynlib.Close(l.handle)
	}
	return nil
}

// daemonAnswers is how long a rank of Open MPI waits, in MPI_Finalize, for its daemon to
// record its normal end (2 s in PMIx_Finalize). After that it ends anyway. If the daemon
// of an overloaded machine sees the process end before it has read that message, it
// reports a rank that "exits improperly", and ends the job.
const daemonAnswers = 2 * time.Second

// pause returns how long a process waits after MPI has ended, so that the daemon can read
// the rank's last message. finalized is the time that MPI_Finalize took.
func pause(finalized time.Duration) time.Duration {
	if finalized < daemonAnswers {
		return 50 * time.Millisecond
	}
	return 5 * time.Second
}

// Close ends MPI, when all ranks have called it; a process can't join again.
// Sums under way are given up.
func (w *World) Close() error {
	ended := make(chan error, 1)
	met := make(chan struct{})
	go func() {
		defer close(w.calls)
		ended <- w.do(func() error {
			err := w.barrier()
			close(met)
			if err != nil {
				return err
			}
			w.silence()
			return w.lib.end()
		})
	}()
	<-met
	began, limit := time.Now(), w.limit()
	if w.rank > 0 { // rank 0 reports it before the launcher sees any rank end
		limit += 2 * time.Second
	}
	select {
	case err := <-ended:
		<-w.stopped
		time.Sleep(pause(time.Since(began)))
		return err
	case <-time.After(limit):
		if w.rank == 0 {
			printable.Fprintf(os.Stderr, "%s does not end (MPICH before 4.2 has that fault between hosts without InfiniBand); the work is done, and this process ends without it, which the launcher may call a failure\n", w.lib.version)
		}
		return nil
	}
}

// barrier waits for all ranks without a limit: rank 0 may have a report to write.
func (w *World) barrier() error {
	r, err := w.start("MPI_Ibarrier", w.lib.ibarrier, nil, w.control)
	for idle := time.Duration(0); err == nil; idle = rest(idle) {
		var ok bool
		if ok, err = w.completed(r); ok {
			break
		}
	}
	return err
}
