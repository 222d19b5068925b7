package bf16_test

import (
	"math"
	"math/rand/v2"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	. "alexnet/engine/cpu/internal/bf16"
	"alexnet/engine/cpu/internal/trap"
)

// TestTilesUnderSignals computes the same product over and over on more goroutines
// than processors, while the collector runs without a pause, the scheduler preempts,
// and every thread gets signals that Go handles: each result has the same bits. With
// AMX at hand the tiles are live in all of this; emulated, they are in memory, and
// what is tested is that nothing of them is kept between two calls.
func TestTilesUnderSignals(t *testing.T) {
	trap.AMX(t)
	set, err := Find("amx")
	if err != nil {
		t.Fatal(err)
	}
	during := 300 * time.Millisecond
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, syscall.SIGUSR1)
	defer signal.Stop(signals)
	var stop atomic.Bool
	var work, around sync.WaitGroup
	around.Go(func() {
		for !stop.Load() {
			runtime.GC()
		}
	})
	around.Go(func() {
		for !stop.Load() {
			for _, thread := range threads(t) {
				// One that has ended gets none.
				_ = syscall.Tgkill(syscall.Getpid(), thread, syscall.SIGUSR1)
			}
			time.Sleep(100 * time.Microsecond)
		}
	})
	var calls, different atomic.Int64
	for g := range 2*runtime.GOMAXPROCS(0) + 1 {
		work.Go(func() {
			p := newProduct(rand.New(rand.NewPCG(8, uint64(g))), 16, 2, 2, 192, 1, false)
			set.Gemm(&p.Product)
			want := slices.Clone(p.c)
			for until := time.Now().Add(during); time.Now().Before(until); {
				clear(p.c)
				set.Gemm(&p.Product)
				calls.Add(1)
				for i, v := range p.c {
					if i%(p.LDC/4) < 32 && math.Float32bits(v) != math.Float32bits(want[i]) {
						different.Add(1)
						break
					}
				}
				runtime.Gosched() // on to another thread, now and then
			}
		})
	}
	work.Wait()
	stop.Store(true)
	around.Wait()
	t.Logf("%d products, %d of them with other bits", calls.Load(), different.Load())
	if different.Load() > 0 || calls.Load() == 0 {
		t.Errorf("%d of %d products differ", different.Load(), calls.Load())
	}
}

// threads are the ids of this process's threads.
func threads(t *testing.T) (ids []int) {
	entries, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Error(err)
	}
	for _, e := range entries {
		id := 0
		for _, c := range e.Name() {
			id = 10*id + int(c-'0')
		}
		ids = append(ids, id)
	}
	return ids
}
