package enginetest

import "sync"

// Peer is one of several ranks that are goroutines of one process: an
// engine.Group in host memory.
type Peer struct {
	rank             int
	size             int
	values, messages *table // of numbers, and of what trainers tell each other
	valuesAt         int    // the rank's next call
	messagesAt       int
}

// table is where ranks meet: the k-th call of all of them is one meeting.
type table struct {
	mu       sync.Mutex
	meetings map[int]*meeting
}

type meeting struct {
	brought []any // per rank
	came    int
	done    chan struct{}
}

// Ranks makes the ranks of a job of n.
func Ranks(n int) []*Peer {
	values, messages := &table{meetings: map[int]*meeting{}}, &table{meetings: map[int]*meeting{}}
	ranks := make([]*Peer, n)
	for r := range ranks {
		ranks[r] = &Peer{rank: r, size: n, values: values, messages: messages}
	}
	return ranks
}

// meet brings something to the rank's at-th meeting; the last rank to come calls
// finish with what all have brought.
func (t *table) meet(r *Peer, at *int, brought any, finish func(all []any)) (wait func() error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	m := t.meetings[*at]
	if m == nil {
		m = &meeting{brought: make([]any, r.size), done: make(chan struct{})}
		t.meetings[*at] = m
	}
	m.brought[r.rank] = brought
	if m.came++; m.came == r.size {
		finish(m.brought)
		delete(t.meetings, *at)
		close(m.done)
	}
	*at++
	return func() error { <-m.done; return nil }
}

// Rank is the rank's number.
func (r *Peer) Rank() int { return r.rank }

// Size is the number of ranks.
func (r *Peer) Size() int { return r.size }

// AllReduce adds in order of the ranks.
func (r *Peer) AllReduce(values []float32) func() error {
	return r.values.meet(r, &r.valuesAt, values, func(all []any) {
		for i := range values {
			var total float32
			for _, a := range all {
				total += a.([]float32)[i]
			}
			for _, a := range all {
				a.([]float32)[i] = total
			}
		}
	})
}

// AllGather copies every rank's block to the others.
func (r *Peer) AllGather(values []float32) func() error {
	return r.values.meet(r, &r.valuesAt, values, func(all []any) {
		n := len(values) / r.size
		for from := range all {
			for _, to := range all {
				copy(to.([]float32)[from*n:(from+1)*n], all[from].([]float32)[from*n:])
			}
		}
	})
}

// AllToAll copies every rank's blocks to where they are sent.
func (r *Peer) AllToAll(dst, src []float32) func() error {
	return r.values.meet(r, &r.valuesAt, [2][]float32{dst, src}, func(all []any) {
		n := len(src) / r.size
		for from := range all {
			for to := range all {
				copy(all[to].([2][]float32)[0][from*n:(from+1)*n], all[from].([2][]float32)[1][to*n:])
			}
		}
	})
}

// Broadcast overwrites data with root's.
func (r *Peer) Broadcast(data []byte, root int) error {
	return r.messages.meet(r, &r.messagesAt, data, func(all []any) {
		for _, to := range all {
			copy(to.([]byte), all[root].([]byte))
		}
	})()
}

// Gather returns what all ranks give.
func (r *Peer) Gather(data []byte) ([][]byte, error) {
	parts := make([][]byte, r.size)
	type offer struct{ data, parts any }
	err := r.messages.meet(r, &r.messagesAt, offer{data, parts}, func(all []any) {
		for _, to := range all {
			for from, a := range all {
				to.(offer).parts.([][]byte)[from] = a.(offer).data.([]byte)
			}
		}
	})()
	return parts, err
}
