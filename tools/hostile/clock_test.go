//go:build linux

package hostile

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sort"
	"sync"
	"testing"
	"time"
)

// clock is a process's own time. It runs like any clock while the process works or
// sleeps, slower while other processes have the processors that it asks for, and not at
// all while this process can't look. So times by it don't depend on what else the
// machine does, and a server that lets requests wait for nothing has no excuse.
type clock struct {
	pid     int
	threads map[string]spent // at the last tick

	mu    sync.Mutex
	ticks []tick
	end   chan struct{}
}

// spent is what a thread has had of the processors, and waited for them.
type spent struct{ ran, waited time.Duration }

// tick is the process's own time at a moment.
type tick struct {
	at  time.Time
	own time.Duration
}

// tickEvery is short beside what is measured.
const tickEvery = 50 * time.Millisecond

// newClock begins a clock for the test's length.
func newClock(t *testing.T, pid int) *clock {
	t.Helper()
	c := &clock{pid: pid, threads: map[string]spent{}, end: make(chan struct{})}
	if c.read(); len(c.threads) == 0 {
		t.Log("the kernel doesn't say how long threads wait for a processor: times are those of the machine's clock")
	}
	c.ticks = []tick{{at: time.Now()}}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			select {
			case <-c.end:
				return
			case <-time.After(tickEvery):
				c.tick()
			}
		}
	})
	t.Cleanup(func() { close(c.end); running.Wait() })
	return c
}

// read returns what the threads had and waited for since the last call.
func (c *clock) read() (all spent) {
	paths, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", c.pid))
	for _, path := range paths {
		text, err := os.ReadFile(path)
		var now spent
		if _, err2 := fmt.Sscan(string(text), &now.ran, &now.waited); err != nil || err2 != nil {
			continue // a thread that has ended
		}
		all.ran += now.ran - c.threads[path].ran
		all.waited += now.waited - c.threads[path].waited
		c.threads[path] = now
	}
	return all
}

// tick adds the process's part of the time since the last tick.
func (c *clock) tick() {
	all := c.read()
	c.mu.Lock()
	defer c.mu.Unlock()
	last := c.ticks[len(c.ticks)-1]
	now := time.Now()
	took := now.Sub(last.at)
	own := all.own(took, runtime.NumCPU())
	if took > tickEvery {
		own = time.Duration(float64(own) * float64(tickEvery) / float64(took))
	}
	c.ticks = append(c.ticks, tick{now, last.own + own})
}

// own is a process's own part of a time in which it was given so much. A machine of its
// own would have given it what it asked for, up to all processors.
func (s spent) own(took time.Duration, processors int) time.Duration {
	asked := s.ran + s.waited
	given := min(asked, time.Duration(processors)*took)
	if given <= 0 || took <= 0 {
		return took
	}
	lacked := 1 - min(1, float64(s.ran)/float64(given))
	busy := min(1, float64(asked)/float64(took))
	return took - time.Duration(lacked*busy*float64(took))
}

// between is the process's own time from one moment to another.
func (c *clock) between(from, to time.Time) time.Duration { return c.at(to) - c.at(from) }

func (c *clock) at(t time.Time) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := sort.Search(len(c.ticks), func(i int) bool { return !c.ticks[i].at.Before(t) })
	switch {
	case i == 0:
		return t.Sub(c.ticks[0].at)
	case i == len(c.ticks):
		last := c.ticks[i-1]
		return last.own + t.Sub(last.at)
	}
	a, b := c.ticks[i-1], c.ticks[i]
	part := float64(t.Sub(a.at)) / float64(b.at.Sub(a.at))
	return a.own + time.Duration(part*float64(b.own-a.own))
}

// TestOwnTime: what of a second counts, on two processors.
func TestOwnTime(t *testing.T) {
	const ms = time.Millisecond
	for _, c := range []struct {
		what        string
		ran, waited time.Duration
		want        time.Duration
	}{
		{"asleep, as with slots that somebody holds", 0, 0, 1000 * ms},
		{"alone with one thread", 1000 * ms, 0, 1000 * ms},
		{"alone with eight threads", 2000 * ms, 6000 * ms, 1000 * ms},
		{"one thread that gets a quarter", 250 * ms, 750 * ms, 250 * ms},
		{"eight threads that get a tenth", 200 * ms, 7800 * ms, 100 * ms},
		{"a little work that waits", 10 * ms, 90 * ms, 910 * ms},
		{"stopped before it could work at all", 0, 1000 * ms, 0},
	} {
		if got := (spent{c.ran, c.waited}).own(time.Second, 2); (got - c.want).Abs() > ms {
			t.Errorf("%s: %v, want %v", c.what, got, c.want)
		}
	}
}
