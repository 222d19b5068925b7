package mpi

import (
	"errors"
	"unsafe"

	"alexnet/engine/collective"
)

// sum is an AllReduce in progress, or a piece of one: a reduce-scatter, then an
// all-gather.
type sum struct {
	w      *World
	values []float32
	ends   []int // of the ranks' shares, in elements: rank r owns [ends[r], ends[r+1])

	sent     []byte // values in wire format
	received []byte // the other ranks' values of this rank's share, rank by rank
	request  *request
	gathers  bool // in the second stage

	done chan struct{}
	err  error
}

// piece is the number of values that are sent together. While the values of one piece are
// added up, others are sent.
const piece = 1 << 22

// sums is the pieces of an AllReduce.
type sums []*sum

// AllReduce begins to add values up over the ranks.
func (w *World) AllReduce(values []float32) func() error {
	var all sums
	if w.size == 1 {
		return all.wait
	}
	for len(values) > 0 {
		n := min(piece, len(values))
		s := &sum{w: w, values: values[:n], ends: shares(n, w.size), done: make(chan struct{})}
		w.calls <- s.scatter
		all = append(all, s)
		values = values[n:]
	}
	return all.wait
}

// wait returns when the sum is complete.
func (all sums) wait() error {
	var errs []error
	for _, s := range all {
		<-s.done
		errs = append(errs, s.err)
	}
	return errors.Join(errs...)
}

// shares divides n elements into equal parts; the first ones are longer by one if
// necessary.
func shares(n, parts int) []int {
	ends := make([]int, parts+1)
	for r := range parts {
		ends[r+1] = ends[r] + n/parts
		if r < n%parts {
			ends[r+1]++
		}
	}
	return ends
}

// own is the number of elements of this rank's share.
func (s *sum) own() int { return s.ends[s.w.rank+1] - s.ends[s.w.rank] }

// scatter starts the first stage.
func (s *sum) scatter() {
	w := s.w
	wire, width, own := w.options.Wire, w.options.Wire.Width(), s.own()
	if wire == collective.Float32 {
		s.sent = wire.Encode(s.values) // without a copy
	} else {
		s.sent = w.spare.take(width * len(s.values))
		wire.Put(s.sent, s.values)
	}
	s.received = w.spare.take(own * w.size * width)
	from := make([]int, w.size+1)
	to := make([]int, w.size+1)
	for r := range w.size {
		from[r+1] = s.ends[r+1] * width
		to[r+1] = to[r] + own*width
	}
	sendCounts, sendStarts := spans(from)
	receiveCounts, receiveStarts := spans(to)
	s.request, s.err = w.startAllToAll(s.sent, sendCounts, sendStarts, s.received, receiveCounts, receiveStarts, w.scatter)
	if s.err != nil {
		close(s.done)
		return
	}
	w.sent.Add(int64(from[w.size] - own*width))
	w.sums = append(w.sums, s)
	if len(w.sums) == 1 {
		w.watchValues()
	}
}

// advance continues the sums and exchanges, and reports whether anything has happened. A
// sum enters its second stage only after all earlier sums, so that every rank starts the
// gathers in the same order.
func (w *World) advance() bool {
	moved := w.advanceExchanges()
	inOrder := true // every earlier sum is in its second stage
	for i := 0; i < len(w.sums); i++ {
		s := w.sums[i]
		if !s.gathers && !inOrder {
			break
		}
		ok, err := w.completed(s.request)
		switch {
		case err != nil:
			s.err = err
		case !ok:
			inOrder = inOrder && s.gathers
			continue
		case !s.gathers:
			moved = true
			s.add()
			if s.request, s.err = w.startGather(s.sent, s.bytes(), w.gather); s.err == nil {
				s.gathers = true
				w.sent.Add(int64(w.size-1) * int64(s.own()*w.options.Wire.Width()))
				continue
			}
		default:
			if wire := w.options.Wire; wire != collective.Float32 {
				wire.Decode(s.values, s.sent)
				w.spare.put(s.sent)
			}
		}
		moved = true
		w.sums = append(w.sums[:i], w.sums[i+1:]...)
		i--
		close(s.done)
		w.watchValues()
	}
	if !moved && w.busy() {
		w.missing()
	}
	return moved
}

// bytes returns the ends of the shares in bytes.
func (s *sum) bytes() []int {
	out := make([]int, len(s.ends))
	for i, e := range s.ends {
		out[i] = e * s.w.options.Wire.Width()
	}
	return out
}

// add adds up this rank's share in order of the ranks, and stores it in the gather's
// place.
func (s *sum) add() {
	wire := s.w.options.Wire
	first, n := s.ends[s.w.rank], s.own()
	memory := s.w.spare.take(4 * n)
	total := unsafe.Slice((*float32)(unsafe.Pointer(&memory[0])), n)
	clear(total)
	for r := range s.w.size {
		wire.Accumulate(total, s.received[r*n*wire.Width():])
	}
	wire.Put(s.sent[first*wire.Width():], total)
	s.w.spare.put(s.received, memory)
	s.received = nil
}

// spare is memory of earlier sums, by its size. Every step has sums of the same
// sizes.
type spare map[int][][]byte

// take returns at least n bytes, and at least one, so that they have an address. They are
// aligned for any value.
func (m spare) take(n int) []byte {
	n = (n + 8) &^ 7
	free := m[n]
	if len(free) == 0 {
		return make([]byte, n)
	}
	m[n] = free[:len(free)-1]
	return free[len(free)-1]
}

func (m spare) put(memory ...[]byte) {
	for _, b := range memory {
		m[len(b)] = append(m[len(b)], b)
	}
}
