package mpi

import (
	"os"
	"time"

	"alexnet/internal/dynlib"
	"alexnet/internal/printable"
)

// Abort prints the reason and ends every rank. It does not return.
func (w *World) Abort(reason error) {
	w.aborted.Store(true)
	printable.Fprintf(os.Stderr, "rank %d of %d ends the job: %v\n", w.rank, w.size, reason)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = w.do(func() error { w.abort(); return nil })
	}()
	select {
	case <-done:
	case <-time.After(abortLimit): // the MPI thread hangs; the launcher ends the other ranks
		os.Exit(1)
	}
}

// abortLimit is how long MPI_Abort may try to reach the launcher, which a host that is
// cut off can't.
const abortLimit = 5 * time.Second

// abortPause gives the launcher time to read the output: it drops unread output when the
// job is aborted.
const abortPause = 100 * time.Millisecond

// abort is Abort on the MPI thread. It doesn't return, even if MPI_Abort does.
func (w *World) abort() {
	time.Sleep(abortPause)
	time.AfterFunc(abortLimit, func() { os.Exit(1) })
	dynlib.Call(w.lib.abort, w.lib.world, 1)
	os.Exit(1)
}
