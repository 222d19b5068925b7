package tcp

import (
	"fmt"
	"strings"
	"sync"
	"time"
)

// attendance counts the ranks that have reached the current round of calls on one
// connection. Rank 0 counts all ranks. The others count themselves and rank 0: its answer
// shows that it has reached the round.
type attendance struct {
	mu      sync.Mutex
	members []int
	round   uint64
	began   time.Time
	calls   []uint64        // by rank, of all rounds
	since   []time.Time     // when the rank reached its last counted round
	kinds   map[uint64]kind // of the rounds that some rank has reached
}

func newAttendance(size int, members ...int) *attendance {
	return &attendance{members: members, began: time.Now(), calls: make([]uint64, size), since: make([]time.Time, size), kinds: map[uint64]kind{}}
}

// come counts a rank's next call.
func (a *attendance) come(rank int, k kind) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.calls[rank] == a.round {
		a.since[rank] = time.Now()
	}
	a.kinds[a.calls[rank]] = k
	a.calls[rank]++
}

// next ends the round.
func (a *attendance) next() {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.kinds, a.round)
	a.round++
	a.began = time.Now()
}

// progress records that the round makes progress.
func (a *attendance) progress() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.began = time.Now()
}

// absent returns the ranks that others wait for, the call, and the time they have waited.
func (a *attendance) absent() (ranks []int, what kind, waited time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, r := range a.members {
		if a.calls[r] <= a.round {
			ranks = append(ranks, r)
			continue
		}
		from := a.since[r]
		if from.Before(a.began) {
			from = a.began
		}
		waited = max(waited, time.Since(from))
	}
	if len(ranks) == len(a.members) {
		return nil, 0, 0
	}
	return ranks, a.kinds[a.round], waited
}

// watch ends the job when a rank does not come. Rank 0 sees all ranks. The others see
// only rank 0, so they wait three eighths of the time longer before they name it.
func (s *Star) watch() {
	limit := s.options.Timeout
	if s.place.Rank > 0 {
		limit += limit * 3 / 8
	}
	tick := time.NewTicker(max(10*time.Millisecond, min(s.options.Timeout/16, time.Second)))
	defer tick.Stop()
	for {
		select {
		case <-s.closed:
			return
		case <-s.ended:
			return
		case <-tick.C:
		}
		for _, a := range []*attendance{s.control, s.values} {
			absent, what, waited := a.absent()
			for _, r := range absent {
				if s.hasLeft(r) {
					s.end(fmt.Sprintf("%s has left the job, and others wait for it in %v: ending the job", s.name(r), what), s.place.Rank)
				}
			}
			if len(absent) > 0 && waited >= limit {
				s.end(s.complaint(absent, "to "+what.String(), waited), s.place.Rank)
			}
		}
	}
}

func (s *Star) complaint(absent []int, where string, waited time.Duration) string {
	names := make([]string, len(absent))
	for i, r := range absent {
		names[i] = s.name(r)
	}
	return fmt.Sprintf("%s did not come %s within %v: ending the job; %s", strings.Join(names, ", "), where, waited.Round(100*time.Millisecond), resumeHint)
}

// resumeHint is added to messages if the job's end is not the user's fault.
const resumeHint = "it can be resumed from its last checkpoint, with any number of ranks"
