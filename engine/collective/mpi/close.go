package mpi

import (
	"fmt"
	"os"
	"time"
)

// finalizeLimit is how long MPI may take to end after all ranks have come to it.
// MPICH before 4.2 may never end where UCX sends by TCP: a rank that is through
// blocks in the launcher's barrier, and doesn't do what another's last messages
// want of it (github.com/pmodels/mpich/pull/6596). Nothing of ours is under way
// by then.
const finalizeLimit = 5 * time.Second

// finalizePause is before a process ends. On an overloaded machine Open MPI's
// daemon was seen to take a rank that had ended well for one that hadn't finalised.
const finalizePause = 50 * time.Millisecond

// Close ends MPI, when all ranks have called it; a process can't join again.
// Sums under way are given up.
func (w *World) Close() error {
	ended := make(chan error, 1)
	met := make(chan struct{})
	go func() {
		defer close(w.calls)
		ended <- w.do(func() error {
			err := w.meet()
			close(met)
			if err != nil {
				return err
			}
			w.silence()
			err = w.lib.call("MPI_Finalize", w.lib.finalize)
			time.Sleep(finalizePause)
			return err
		})
	}()
	<-met
	select {
	case err := <-ended:
		<-w.stopped
		return err
	case <-time.After(finalizeLimit):
		if w.rank == 0 {
			fmt.Fprintf(os.Stderr, "%s does not end (MPICH before 4.2 has that fault between hosts without InfiniBand); the work is done, and this process ends without it, which the launcher may call a failure\n", w.lib.version)
		}
		return nil
	}
}

// meet waits for all ranks, however long: rank 0 may have a report to write.
func (w *World) meet() error {
	r, err := w.start("MPI_Ibarrier", w.lib.ibarrier, nil, w.control)
	for idle := time.Duration(0); err == nil; idle = rest(idle) {
		var ok bool
		if ok, err = w.completed(r); ok {
			break
		}
	}
	return err
}
