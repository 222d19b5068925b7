package mpi

import (
	"runtime"
	"time"
	"unsafe"
)

// serve runs calls on one thread, and between them continues sums and exchanges.
func (w *World) serve() {
	runtime.LockOSThread()
	defer close(w.stopped)
	idle := time.Duration(0)
	for {
		if !w.busy() {
			call, ok := <-w.calls
			if !ok {
				return
			}
			call()
			idle = 0
			continue
		}
		select {
		case call, ok := <-w.calls:
			if !ok {
				return
			}
			call()
			idle = 0
		default:
			if w.advance() {
				idle = 0
				continue
			}
			idle = rest(idle)
		}
	}
}

// longestRest limits the sleep between two calls of MPI, which moves data only during
// calls. It is long enough to leave the processor to training, and short enough not to
// delay a transfer in many fragments.
const longestRest = 50 * time.Microsecond

// rest sleeps a little longer each time nothing has happened.
func rest(idle time.Duration) time.Duration {
	if idle < 20*time.Microsecond {
		runtime.Gosched()
		return idle + time.Microsecond
	}
	time.Sleep(idle)
	return min(2*idle, longestRest)
}

// do runs f on the MPI thread.
func (w *World) do(f func() error) error {
	var err error
	ran := make(chan struct{})
	w.calls <- func() { defer close(ran); err = f() }
	<-ran
	return err
}

// request is a non-blocking operation of MPI. Its memory stays pinned until it
// has completed.
type request struct {
	handle uintptr
	pins   runtime.Pinner
}

// start begins an operation; args come before the request.
//
//go:uintptrescapes
func (w *World) start(name string, function uintptr, pinned []any, args ...uintptr) (*request, error) {
	r := new(request)
	for _, p := range pinned {
		r.pins.Pin(p)
	}
	r.pins.Pin(r)
	err := w.lib.call(name, function, append(args, uintptr(unsafe.Pointer(&r.handle)))...)
	if err != nil {
		r.pins.Unpin()
	}
	return r, err
}

// completed tests an operation.
func (w *World) completed(r *request) (bool, error) {
	var flag int32
	if err := w.lib.call("MPI_Test", w.lib.test, uintptr(unsafe.Pointer(&r.handle)), uintptr(unsafe.Pointer(&flag)), w.lib.statusIgnore); err != nil {
		return false, err
	}
	if flag != 0 {
		r.pins.Unpin()
	}
	return flag != 0, nil
}

// busy reports whether sums or exchanges are in progress.
func (w *World) busy() bool { return len(w.sums)+len(w.exchanges) > 0 }

// watchValues watches the unfinished sums and exchanges, or else the call during which
// they ended.
func (w *World) watchValues() {
	what := w.watch.call
	switch {
	case len(w.exchanges) > 0:
		what = "an exchange of activations"
	case len(w.sums) > 0:
		what = "a sum of gradients"
	}
	w.await(what)
}

// finish waits for an operation on the MPI thread, and continues sums meanwhile.
func (w *World) finish(what string, r *request, err error) error {
	if err != nil {
		return err
	}
	w.watch.call = what
	w.await(what)
	defer func() {
		w.watch.call = ""
		w.watchValues()
	}()
	for idle := time.Duration(0); ; idle = rest(idle) {
		if ok, err := w.completed(r); ok || err != nil {
			return err
		}
		w.advance()
		w.missing()
	}
}
