package cpu

import (
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"alexnet/engine/cpu/internal/kernel"
)

// TestTeam runs stages of one part and of many on teams of more workers than processors
// and of fewer, one behind the other and after a rest: each part runs once, before run
// returns and by one worker at a time. An idle team sleeps, and a closed one is gone.
func TestTeam(t *testing.T) {
	for _, procs := range []int{1, 2, 4} {
		for _, threads := range []int{1, 2, 3, 8} {
			t.Run(fmt.Sprintf("%d processors/%d threads", procs, threads), func(t *testing.T) {
				defer goleak.VerifyNone(t)
				defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
				team := newTeam(threads, kernel.Best())
				defer team.close()
				busy := make([]atomic.Bool, threads)
				for n := range 300 {
					ran := make([]int, 1+n%7*n)
					s := stage{len(ran), func(w *worker, part int) {
						if busy[w.id].Swap(true) {
							t.Errorf("stage %d: worker %d has two parts at once", n, w.id)
						}
						ran[part]++
						if part%5 == 0 {
							runtime.Gosched()
						}
						busy[w.id].Store(false)
					}}
					team.run(&s)
					for part, times := range ran {
						if times != 1 {
							t.Fatalf("stage %d: part %d of %d ran %d times, want once", n, part, len(ran), times)
						}
					}
					if n%50 == 0 {
						time.Sleep(2 * patience)
					}
				}
				for _, w := range team.workers[1:] {
					for began := time.Now(); !w.asleep.Load(); time.Sleep(patience) {
						if time.Since(began) > 10*time.Second {
							t.Fatalf("worker %d of an idle team doesn't sleep", w.id)
						}
					}
				}
			})
		}
	}
}
