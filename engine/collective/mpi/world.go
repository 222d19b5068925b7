package mpi

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/ebitengine/purego"

	"alexnet/engine/collective"
)

// Options tune a World.
type Options struct {
	// Timeout is how long a rank waits for the others within one call before it
	// names those that are missing and ends the job; 0 means 5 minutes.
	Timeout time.Duration
	// Wire is how values travel.
	Wire collective.Wire
}

// World is all ranks of the job, a collective.Collective.
type World struct {
	lib     *library
	options Options
	rank    int
	size    int
	hosts   []string

	// Sums pass two stages. Each stage has a communicator of its own, on which
	// every rank starts them in the same order, whichever finishes first; so have
	// exchanges of blocks, which begin when they are called for.
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

// launchers are the variables by which a launcher tells a process its job's
// size: Open MPI's mpirun, MPICH's hydra, PMIx (srun --mpi=pmix).
var launchers = []string{"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_NTASKS"}

// Launched is the number of processes that a launcher says it has started with
// this one, and 1 when there was none.
func Launched() int {
	size, _ := launched(os.Getenv)
	return size
}

func launched(environment func(string) string) (size int, by string) {
	for _, name := range launchers {
		if name == "SLURM_NTASKS" && environment("SLURM_STEP_ID") == "" {
			continue // sbatch's own shell, not a step of srun
		}
		if n, err := strconv.Atoi(environment(name)); err == nil && n > 0 {
			return n, name
		}
	}
	return 1, ""
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
		// The other ranks may never come to an end with this one: the launcher ends
		// them when it goes.
		close(w.calls)
		<-w.stopped
		return nil, fmt.Errorf("%s (%s): %w", lib.version, lib.path, err)
	}
	return w, nil
}

// join meets the other ranks.
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
	if want, by := launched(os.Getenv); want != w.size {
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

// Hosts names every rank's host.
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

// Sent is the number of bytes of values that this rank has sent to others.
func (w *World) Sent() int64 { return w.sent.Load() }

// Library is the MPI library in use, its version and path.
func (w *World) Library() string { return w.lib.version + " (" + w.lib.path + ")" }

// serve runs calls on one thread, and moves sums and exchanges on between them.
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

// longestRest bounds the sleep between two looks at MPI, which moves data only
// when it is called: long enough to leave the processor to training, short
// enough not to hold up a transfer in its many fragments.
const longestRest = 50 * time.Microsecond

// rest sleeps a little longer each time that nothing has happened.
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

// busy says that values are under way.
func (w *World) busy() bool { return len(w.sums)+len(w.exchanges) > 0 }

// watchValues watches the sums and exchanges that are left, or else the call that
// they were moved on in, if any.
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

// finish waits for an operation, on the MPI thread, moving sums on meanwhile.
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

// Broadcast overwrites data with root's.
func (w *World) Broadcast(data []byte, root int) error {
	for len(data) > 0 {
		part := data[:min(len(data), 1<<30)]
		data = data[len(part):]
		err := w.do(func() error {
			r, err := w.start("MPI_Ibcast", w.lib.ibcast, []any{&part[0]},
				uintptr(unsafe.Pointer(&part[0])), uintptr(len(part)), w.lib.bytes, uintptr(root), w.control)
			return w.finish("a broadcast", r, err)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Gather returns every rank's data.
func (w *World) Gather(data []byte) ([][]byte, error) {
	lengths := make([]byte, 8*w.size)
	put := func(b []byte, n int) { *(*int64)(unsafe.Pointer(&b[0])) = int64(n) }
	put(lengths[8*w.rank:], len(data))
	ends := make([]int, w.size+1)
	for r := range ends {
		ends[r] = 8 * r
	}
	if err := w.do(func() error { return w.allGather(lengths, ends, w.control) }); err != nil {
		return nil, err
	}
	for r := range w.size {
		ends[r+1] = ends[r] + int(*(*int64)(unsafe.Pointer(&lengths[8*r])))
	}
	if ends[w.size] > 1<<30 {
		return nil, fmt.Errorf("gathering %d bytes, at most 1 GiB is supported", ends[w.size])
	}
	all := make([]byte, ends[w.size]+1) // never empty, so that it has an address
	copy(all[ends[w.rank]:], data)
	if err := w.do(func() error { return w.allGather(all, ends, w.control) }); err != nil {
		return nil, err
	}
	parts := make([][]byte, w.size)
	for r := range parts {
		parts[r] = all[ends[r]:ends[r+1]:ends[r+1]]
	}
	return parts, nil
}

// allGather fills in the other ranks' parts of data; part r ends at ends[r+1].
func (w *World) allGather(data []byte, ends []int, communicator uintptr) error {
	r, err := w.startGather(data, ends, communicator)
	return w.finish("a gather", r, err)
}

func (w *World) startGather(data []byte, ends []int, communicator uintptr) (*request, error) {
	counts, starts := spans(ends)
	return w.start("MPI_Iallgatherv", w.lib.iallgatherv, []any{&data[0], &counts[0], &starts[0]},
		w.lib.inPlace, 0, w.lib.bytes,
		uintptr(unsafe.Pointer(&data[0])), uintptr(unsafe.Pointer(&counts[0])), uintptr(unsafe.Pointer(&starts[0])), w.lib.bytes, communicator)
}

// spans are the counts and starts of parts, as MPI's int.
func spans(ends []int) (counts, starts []int32) {
	counts, starts = make([]int32, len(ends)-1), make([]int32, len(ends)-1)
	for r := range counts {
		counts[r], starts[r] = int32(ends[r+1]-ends[r]), int32(ends[r])
	}
	return counts, starts
}

// Barrier returns when every rank has called it.
func (w *World) Barrier() error {
	return w.do(func() error {
		r, err := w.start("MPI_Ibarrier", w.lib.ibarrier, nil, w.control)
		return w.finish("a barrier", r, err)
	})
}

// Abort prints the reason and ends every rank. It does not return.
func (w *World) Abort(reason error) {
	w.aborted.Store(true)
	fmt.Fprintf(os.Stderr, "rank %d of %d ends the job: %v\n", w.rank, w.size, reason)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = w.do(func() error { w.abort(); return nil })
	}()
	select {
	case <-done:
	case <-time.After(abortLimit): // the MPI thread hangs; the launcher ends the rest
		os.Exit(1)
	}
}

// abortLimit is how long MPI_Abort may try to reach the launcher: a host that is
// cut off can't.
const abortLimit = 5 * time.Second

// abortPause lets the launcher read what was printed: it drops what it hasn't read
// when the job is aborted.
const abortPause = 100 * time.Millisecond

// abort is Abort on the MPI thread. It doesn't return, even if MPI_Abort does.
func (w *World) abort() {
	time.Sleep(abortPause)
	time.AfterFunc(abortLimit, func() { os.Exit(1) })
	purego.SyscallN(w.lib.abort, w.lib.world, 1)
	os.Exit(1)
}

var _ collective.Collective = (*World)(nil)
