package tcp

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"alexnet/engine/collective"
)

// op is a call on values in progress.
type op struct {
	s    *Star
	kind kind
	wire collective.Wire
	src  []float32 // this rank's part
	dst  []float32 // the answer's place; src itself except in an all-to-all
	done chan struct{}
	err  error // why a call isn't made

	// A sum overwrites its parts, so a chunk is received only after it has been sent.
	gone chan struct{} // one signal for each sent chunk; nil in other calls
	away chan struct{} // closed when everything has been sent; nil on rank 0
}

// wait returns when the values have arrived.
func (o *op) wait() error {
	select {
	case <-o.done:
		return o.err
	case <-o.s.ended:
		return o.s.lost
	}
}

// AllReduce begins to add values up over the ranks.
func (s *Star) AllReduce(values []float32) func() error {
	return s.begin(&op{kind: kindSum, wire: s.options.Wire, src: values, dst: values})
}

// AllGather begins to fill in the other ranks' blocks of values.
func (s *Star) AllGather(values []float32) func() error {
	return s.begin(&op{kind: kindAllGather, src: values, dst: values})
}

// AllToAll begins to send a block of src to every rank.
func (s *Star) AllToAll(dst, src []float32) func() error {
	if len(dst) == len(src) && len(src)%s.place.Size == 0 {
		copy(block(dst, s.place.Rank, s.place.Size), block(src, s.place.Rank, s.place.Size))
	}
	return s.begin(&op{kind: kindAllToAll, src: src, dst: dst})
}

// begin queues a call.
func (s *Star) begin(o *op) func() error {
	o.s, o.done = s, make(chan struct{})
	switch {
	case o.kind != kindSum && len(o.src)%s.place.Size != 0 || len(o.src) != len(o.dst):
		o.err = fmt.Errorf("exchanging %d values for %d over %d ranks: want equal blocks", len(o.src), len(o.dst), s.place.Size)
		close(o.done)
	case s.place.Size == 1 || len(o.src) == 0:
		close(o.done)
	default:
		s.values.come(s.place.Rank, o.kind)
		if s.place.Rank > 0 {
			o.away = make(chan struct{})
			if o.kind == kindSum {
				o.gone = make(chan struct{}, len(o.src)/chunk+1)
			}
			s.queue(s.toSend, o)
		}
		s.queue(s.toAnswer, o)
	}
	return o.wait
}

// mostCalls is how many calls on values may be under way. A further one waits for its
// beginning; a step of a net has some dozens.
const mostCalls = 1024

// queue appends a call, unless the job has ended.
func (s *Star) queue(calls chan<- *op, o *op) {
	select {
	case calls <- o:
	case <-s.closed:
	}
}

// take waits for the next call; ok is false when the job has ended.
func (s *Star) take(calls <-chan *op) (o *op, ok bool) {
	select {
	case o = <-calls:
		return o, true
	case <-s.closed:
		return nil, false
	}
}

// block returns the r-th of n equal parts of values.
func block(values []float32, r, n int) []float32 {
	size := len(values) / n
	return values[r*size : (r+1)*size]
}

// head returns the header of a rank's part of the call, and of the answer.
func (o *op) head(round uint64) header {
	return header{kind: o.kind, round: round, count: uint64(len(o.src))}
}

// gives returns the values that a rank sends to rank 0, in order.
func (o *op) gives(rank, size int) [][]float32 {
	switch o.kind {
	case kindSum:
		return [][]float32{o.src}
	case kindAllGather:
		return [][]float32{block(o.src, rank, size)}
	}
	return others(o.src, rank, size)
}

// takes returns the values that rank 0 sends back to a rank, in order.
func (o *op) takes(rank, size int) [][]float32 {
	if o.kind == kindSum {
		return [][]float32{o.dst}
	}
	return others(o.dst, rank, size)
}

// others returns all blocks except rank's.
func others(values []float32, rank, size int) [][]float32 {
	var blocks [][]float32
	for r := range size {
		if r != rank {
			blocks = append(blocks, block(values, r, size))
		}
	}
	return blocks
}

// chunk is how many values are read or written at once.
const chunk = 1 << 16

// chunks calls f with the parts of values in order.
func chunks(values []float32, f func(part []float32) error) error {
	for len(values) > 0 {
		part := values[:min(chunk, len(values))]
		values = values[len(part):]
		if err := f(part); err != nil {
			return err
		}
	}
	return nil
}

// push sends encoded values.
func (o *op) push(to *net.TCPConn, values []float32) error {
	return chunks(values, func(part []float32) error {
		n, err := to.Write(o.wire.Encode(part))
		o.s.sent.Add(int64(n))
		if o.gone != nil {
			o.gone <- struct{}{}
		}
		return err
	})
}

// pull receives values into dst.
func (o *op) pull(from io.Reader, values []float32) error {
	return chunks(values, func(part []float32) error {
		if o.gone != nil {
			select {
			case <-o.gone:
			case <-o.s.closed:
				return net.ErrClosed
			}
		}
		buffer := collective.Float32.Encode(part)
		if o.wire != collective.Float32 {
			buffer = make([]byte, len(part)*o.wire.Width())
		}
		if _, err := io.ReadFull(from, buffer); err != nil {
			return err
		}
		o.wire.Decode(part, buffer)
		o.s.values.progress()
		return nil
	})
}

// sendValues sends this rank's parts to rank 0, in order of the calls.
func (s *Star) sendValues() {
	zero := s.peers[0]
	_, values := zero.connections()
	for round := uint64(0); ; round++ {
		o, ok := s.take(s.toSend)
		if !ok {
			return
		}
		_, err := values.Write(o.head(round).append(nil))
		for _, part := range o.gives(s.place.Rank, s.place.Size) {
			if err == nil {
				err = o.push(values, part)
			}
		}
		if err != nil {
			s.broken(zero, o.kind, err)
			return
		}
		close(o.away)
	}
}

// receiveValues receives rank 0's answers, in order of the calls.
func (s *Star) receiveValues() {
	zero := s.peers[0]
	_, values := zero.connections()
	for round := uint64(0); ; round++ {
		o, ok := s.take(s.toAnswer)
		if !ok {
			return
		}
		h, err := readHeader(values)
		if err == nil && h != o.head(round) {
			s.differ(zero, h, o.head(round))
			return
		}
		for _, part := range o.takes(s.place.Rank, s.place.Size) {
			if err == nil {
				err = o.pull(values, part)
			}
		}
		if err != nil {
			s.broken(zero, o.kind, err)
			return
		}
		select {
		case <-o.away: // an answer may come before all of this rank's part has been sent
		case <-s.closed:
			return
		}
		s.values.next()
		close(o.done)
	}
}

// broken ends the job after an error on a connection to p. The reader of the control
// connection may have a better reason, so it gets a moment to report it first.
func (s *Star) broken(p *peer, what kind, err error) {
	why := s.name(p.rank) + " is gone"
	switch {
	case s.hasLeft(p.rank):
		why = fmt.Sprintf("%s has left the job in the middle of %v", s.name(p.rank), what)
	case errors.Is(err, os.ErrDeadlineExceeded):
		why = fmt.Sprintf("%s has stopped in the middle of %v for %v", s.name(p.rank), what, s.options.Timeout)
	default:
		select {
		case <-s.closed:
			return
		case <-time.After(endTimeout):
			why += fmt.Sprintf(" (%v)", err)
		}
	}
	if !isClosed(s.closed) {
		s.end(why+": ending the job; "+resumeHint, s.place.Rank)
	}
}
