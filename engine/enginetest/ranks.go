package enginetest

import "sync"

// Peer is one of several ranks that are goroutines of one process: an
// engine.Group in host memory.
type Peer struct {
	rank             int
	size             int
	values, messages *calls // of numbers, and of trainers' messages
	valuesAt         int    // the rank's next call
	messagesAt       int
}

// calls holds the calls in progress. The k-th calls of all ranks make one collective
// call.
type calls struct {
	mu   sync.Mutex
	open map[int]*call
}

type call struct {
	parts []any // per rank
	came  int
	done  chan struct{}
}

// Ranks makes the ranks of a job of n processes.
func Ranks(n int) []*Peer {
	values, messages := &calls{open: map[int]*call{}}, &calls{open: map[int]*call{}}
	ranks := make([]*Peer, n)
	for r := range ranks {
		ranks[r] = &Peer{rank: r, size: n, values: values, messages: messages}
	}
	return ranks
}

// join adds the rank's part to its at-th call. The last rank that joins calls finish with
// the parts of all.
func (t *calls) join(r *Peer, at *int, part any, finish func(all []any)) (wait func() error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	m := t.open[*at]
	if m == nil {
		m = &call{parts: make([]any, r.size), done: make(chan struct{})}
		t.open[*at] = m
	}
	m.parts[r.rank] = part
	if m.came++; m.came == r.size {
		finish(m.parts)
		delete(t.open, *at)
		close(m.done)
	}
	*at++
	return func() error { <-m.done; return nil }
}

// Rank returns the rank's number.
func (r *Peer) Rank() int { return r.rank }

// Size returns the number of ranks.
func (r *Peer) Size() int { return r.size }

// AllReduce adds in order of the ranks.
func (r *Peer) AllReduce(values []float32) func() error {
	return r.values.join(r, &r.valuesAt, values, func(all []any) {
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
	return r.values.join(r, &r.valuesAt, values, func(all []any) {
		n := len(values) / r.size
		for from := range all {
			for _, to := range all {
				copy(to.([]float32)[from*n:(from+1)*n], all[from].([]float32)[from*n:])
			}
		}
	})
}

// AllToAll copies every rank's blocks to the ranks that they are for.
func (r *Peer) AllToAll(dst, src []float32) func() error {
	return r.values.join(r, &r.valuesAt, [2][]float32{dst, src}, func(all []any) {
		n := len(src) / r.size
		for from := range all {
			for to := range all {
				copy(all[to].([2][]float32)[0][from*n:(from+1)*n], all[from].([2][]float32)[1][to*n:])
			}
		}
	})
}

// Broadcast overwrites data with root's data.
func (r *Peer) Broadcast(data []byte, root int) error {
	return r.messages.join(r, &r.messagesAt, data, func(all []any) {
		for _, to := range all {
			copy(to.([]byte), all[root].([]byte))
		}
	})()
}

// Gather returns the data of all ranks.
func (r *Peer) Gather(data []byte) ([][]byte, error) {
	parts := make([][]byte, r.size)
	type offer struct{ data, parts any }
	err := r.messages.join(r, &r.messagesAt, offer{data, parts}, func(all []any) {
		for _, to := range all {
			for from, a := range all {
				to.(offer).parts.([][]byte)[from] = a.(offer).data.([]byte)
			}
		}
	})()
	return parts, err
}
