package cpu

import (
	"runtime"
	"sync/atomic"
	"time"

	"alexnet/engine/cpu/internal/bf16"
	"alexnet/engine/cpu/internal/kernel"
)

// A stage is one parallel loop of a program. Its parts are fixed by the shapes
// alone and each part computes its results by itself, so the results don't
// depend on which worker takes which part.
type stage struct {
	parts int
	run   func(w *worker, part int)
}

// A team runs stages on a fixed number of workers. The calling goroutine is the
// first.
type team struct {
	workers []*worker
	stage   *stage
	stages  atomic.Uint64 // begun so far
	left    atomic.Int64  // parts that no worker has taken
	undone  atomic.Int64  // parts that haven't ended
	closed  atomic.Bool
}

// A worker is one goroutine of a team with its own scratch memory.
type worker struct {
	sleeper
	id      int
	scratch []float32
	edge    []float32    // one matrix tile, for tiles at the edge of C
	rows    []int        // starts of the rows that are packed together
	product bf16.Product // the current one of a context in bfloat16
}

func newTeam(threads int, kernels *kernel.Set) *team {
	t := &team{}
	patience := patience
	if threads > runtime.GOMAXPROCS(0) {
		patience = 0
	}
	for i := range threads {
		w := &worker{id: i, sleeper: sleeper{patience: patience, wake: make(chan struct{}, 1)}, edge: make([]float32, kernels.MR*kernels.NR), rows: make([]int, kernels.TransposeRows)}
		t.workers = append(t.workers, w)
		if i > 0 {
			go t.serve(w)
		}
	}
	return t
}

// run executes all parts of s and returns when the last one has ended. It doesn't wait
// for helpers that wake up late: these find no part, or take one of a later stage.
func (t *team) run(s *stage) {
	own := t.workers[0]
	helpers := min(len(t.workers), s.parts) - 1
	if helpers <= 0 {
		for part := range s.parts {
			s.run(own, part)
		}
		return
	}
	t.stage = s
	t.undone.Store(int64(s.parts))
	t.left.Store(int64(s.parts))
	t.stages.Add(1)
	for _, w := range t.workers[1 : 1+helpers] {
		w.wakeUp()
	}
	t.work(own)
	own.until(func() bool { return t.undone.Load() == 0 })
}

// work takes parts in order until none is left. The team's stage doesn't change before
// all parts that were taken have ended.
func (t *team) work(w *worker) {
	for {
		left := int(t.left.Add(-1))
		if left < 0 {
			return
		}
		s := t.stage
		s.run(w, s.parts-1-left)
		if t.undone.Add(-1) == 0 {
			t.workers[0].wakeUp()
		}
	}
}

func (t *team) serve(w *worker) {
	var seen uint64
	for {
		w.until(func() bool { return t.stages.Load() != seen })
		seen = t.stages.Load()
		if t.closed.Load() {
			return
		}
		t.work(w)
	}
}

// close ends the helpers; the team must be idle.
func (t *team) close() {
	t.closed.Store(true)
	t.stages.Add(1)
	for _, w := range t.workers[1:] {
		w.wakeUp()
	}
}

// patience is how long a worker waits actively for its next part before it sleeps, unless
// workers share a processor. A sleeping worker takes a tenth of a millisecond or more to
// wake up; a stage of one image may be shorter.
const patience = 200 * time.Microsecond

// A sleeper lets one goroutine wait for a condition.
type sleeper struct {
	patience time.Duration
	asleep   atomic.Bool
	wake     chan struct{}
}

// until returns when ready does. Code that makes ready true calls wakeUp afterwards.
func (s *sleeper) until(ready func() bool) {
	const looks = 64 // some microseconds
	var began time.Time
	for n := 1; !ready(); n++ {
		switch {
		case s.patience > 0 && n%looks != 0:
			kernel.Pause()
			continue
		case began.IsZero():
			began = time.Now()
		case time.Since(began) > s.patience:
			s.asleep.Store(true)
			if ready() && s.asleep.CompareAndSwap(true, false) {
				return
			}
			<-s.wake
		}
		runtime.Gosched() // other programs may need the processor
	}
}

// wakeUp wakes the goroutine that sleeps in until, if there is one.
func (s *sleeper) wakeUp() {
	if s.asleep.Load() && s.asleep.CompareAndSwap(true, false) {
		s.wake <- struct{}{}
	}
}
