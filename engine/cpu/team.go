package cpu

import (
	"sync"
	"sync/atomic"

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
	next    atomic.Int64
	done    sync.WaitGroup
}

// A worker is one goroutine of a team with its own scratch memory.
type worker struct {
	id      int
	scratch []float32
	edge    []float32    // one matrix tile, for tiles that stick out of C
	rows    []int        // where the rows start that are packed together
	product bf16.Product // of a context in bfloat16, under way
	wake    chan struct{}
}

func newTeam(threads int, kernels *kernel.Set) *team {
	t := &team{}
	for i := range threads {
		w := &worker{id: i, edge: make([]float32, kernels.MR*kernels.NR), rows: make([]int, kernels.Turn), wake: make(chan struct{}, 1)}
		t.workers = append(t.workers, w)
		if i > 0 {
			go t.serve(w)
		}
	}
	return t
}

// run executes all parts of s and returns when the last one is done.
func (t *team) run(s *stage) {
	helpers := min(len(t.workers), s.parts) - 1
	if helpers <= 0 {
		for part := range s.parts {
			s.run(t.workers[0], part)
		}
		return
	}
	t.stage = s
	t.next.Store(0)
	t.done.Add(helpers)
	for _, w := range t.workers[1 : 1+helpers] {
		w.wake <- struct{}{}
	}
	t.work(t.workers[0])
	t.done.Wait()
}

func (t *team) work(w *worker) {
	s := t.stage
	for {
		part := int(t.next.Add(1)) - 1
		if part >= s.parts {
			return
		}
		s.run(w, part)
	}
}

func (t *team) serve(w *worker) {
	for range w.wake {
		t.work(w)
		t.done.Done()
	}
}

// close ends the helpers; the team must be idle.
func (t *team) close() {
	for _, w := range t.workers[1:] {
		close(w.wake)
	}
}
