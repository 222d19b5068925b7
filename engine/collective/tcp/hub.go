package tcp

import (
	"io"
	"time"

	"alexnet/engine/collective"
)

// hub is rank 0's side of one call on values: parts come in, answers go out, a
// chunk at a time.
type hub struct {
	*Star
	*op
	buffer []byte
}

// hear waits for the beginnings of a rank's parts.
func (s *Star) hear(p *peer) {
	_, values := p.connections()
	for {
		h, err := readHeader(values)
		if err != nil {
			if !s.hasLeft(p.rank) { // watch minds one that has left and is waited for
				s.broken(p, h.kind, err)
			}
			return
		}
		s.values.come(p.rank, h.kind)
		select {
		case p.heads <- h:
		case <-s.closed:
			return
		}
		select {
		case <-p.read:
		case <-s.closed:
			return
		}
	}
}

// meetValues makes the calls on values, in their order.
func (s *Star) meetValues() {
	h := hub{Star: s, buffer: make([]byte, 4*chunk)}
	for round := uint64(0); ; round++ {
		var ok bool
		if h.op, ok = s.toMeet.take(s.closed); !ok {
			return
		}
		if !h.begin(round) || !h.exchange() {
			return
		}
		for _, p := range s.peers[1:] {
			select {
			case p.read <- struct{}{}:
			case <-s.closed:
				return
			}
		}
		s.values.next()
		close(h.op.done)
	}
}

// begin waits for all parts and begins all answers. Like all that follows, it
// reports whether the job goes on.
func (h hub) begin(round uint64) bool {
	ours := h.head(round)
	for _, p := range h.peers[1:] {
		select {
		case theirs := <-p.heads:
			if theirs != ours {
				h.differ(p, theirs, ours)
				return false
			}
		case <-h.closed:
			return false
		}
	}
	for _, p := range h.peers[1:] {
		if !h.write(p, ours.append(nil)) {
			return false
		}
	}
	return true
}

func (h hub) exchange() bool {
	switch h.op.kind {
	case kindSum:
		return h.sum()
	case kindAllGather:
		return h.allGather()
	}
	return h.allToAll()
}

// sum adds the parts up in order of the ranks.
func (h hub) sum() bool {
	total := make([]float32, min(chunk, len(h.src)))
	for at := 0; at < len(h.src); at += chunk {
		own := h.src[at:min(at+chunk, len(h.src))]
		sum, bytes := total[:len(own)], h.buffer[:len(own)*h.wire.Width()]
		clear(sum)
		h.wire.Accumulate(sum, h.wire.Encode(own))
		for _, p := range h.peers[1:] {
			if !h.readFrom(p, bytes) {
				return false
			}
			h.wire.Accumulate(sum, bytes)
		}
		h.wire.Put(bytes, sum)
		for _, p := range h.peers[1:] {
			if !h.writeValues(p, bytes) {
				return false
			}
		}
		if h.wire == collective.Float32 {
			copy(own, sum)
		} else {
			h.wire.Decode(own, bytes)
		}
	}
	return true
}

// allGather sends every rank's block to all others.
func (h hub) allGather() bool {
	for from := range h.place.Size {
		err := chunks(block(h.dst, from, h.place.Size), func(part []float32) error {
			bytes := collective.Float32.Encode(part)
			if from > 0 && !h.readFrom(h.peers[from], bytes) {
				return io.EOF
			}
			for _, p := range h.peers[1:] {
				if p.rank != from && !h.writeValues(p, bytes) {
					return io.EOF
				}
			}
			return nil
		})
		if err != nil {
			return false
		}
	}
	return true
}

// allToAll sends the blocks on, in order of their sources and destinations.
func (h hub) allToAll() bool {
	for from := range h.place.Size {
		for to := range h.place.Size {
			if from != to && !h.pass(from, to) {
				return false
			}
		}
	}
	return true
}

// pass moves the block that one rank has for another.
func (h hub) pass(from, to int) bool {
	n := h.place.Size
	for at := 0; at < len(h.src)/n; at += chunk {
		end := min(at+chunk, len(h.src)/n)
		bytes := h.buffer[:4*(end-at)]
		switch {
		case from == 0:
			bytes = collective.Float32.Encode(block(h.src, to, n)[at:end])
		case to == 0:
			bytes = collective.Float32.Encode(block(h.dst, from, n)[at:end])
		}
		if from > 0 && !h.readFrom(h.peers[from], bytes) || to > 0 && !h.writeValues(h.peers[to], bytes) {
			return false
		}
	}
	return true
}

func (h hub) write(p *peer, b []byte) bool {
	_, values := p.connections()
	err := values.SetWriteDeadline(time.Now().Add(h.options.Timeout))
	if err == nil {
		_, err = values.Write(b)
	}
	if err != nil {
		h.broken(p, h.op.kind, err)
	}
	return err == nil
}

// writeValues is write, counted.
func (h hub) writeValues(p *peer, b []byte) bool {
	h.sent.Add(int64(len(b)))
	return h.write(p, b)
}

// readFrom reads the next part of what p gives.
func (h hub) readFrom(p *peer, b []byte) bool {
	_, values := p.connections()
	err := values.SetReadDeadline(time.Now().Add(h.options.Timeout))
	if err == nil {
		_, err = io.ReadFull(values, b)
	}
	if err == nil {
		err = values.SetReadDeadline(time.Time{})
	}
	if err != nil {
		h.broken(p, h.op.kind, err)
	}
	return err == nil
}
