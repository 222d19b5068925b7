package tcp

import (
	"io"
	"time"

	"alexnet/engine/collective"
)

// server is rank 0's side of one call on values. It receives the parts and sends the
// answers, one chunk at a time.
type server struct {
	*Star
	*op
	buffer []byte
}

// readHeaders reads the headers of a rank's parts.
func (s *Star) readHeaders(p *peer) {
	_, values := p.connections()
	for {
		h, err := readHeader(values)
		if err != nil {
			if !s.hasLeft(p.rank) { // a rank that has left while others wait for it is watch's concern
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

// serveValues makes the calls on values, in their order.
func (s *Star) serveValues() {
	v := server{Star: s, buffer: make([]byte, 4*chunk)}
	for round := uint64(0); ; round++ {
		var ok bool
		if v.op, ok = s.take(s.toAnswer); !ok {
			return
		}
		if !v.begin(round) || !v.exchange() {
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
		close(v.op.done)
	}
}

// begin waits for the headers of all parts and sends the headers of all answers. Like the
// methods below it reports whether the job continues.
func (v server) begin(round uint64) bool {
	ours := v.head(round)
	for _, p := range v.peers[1:] {
		select {
		case theirs := <-p.heads:
			if theirs != ours {
				v.differ(p, theirs, ours)
				return false
			}
		case <-v.closed:
			return false
		}
	}
	for _, p := range v.peers[1:] {
		if !v.write(p, ours.append(nil)) {
			return false
		}
	}
	return true
}

func (v server) exchange() bool {
	switch v.op.kind {
	case kindSum:
		return v.sum()
	case kindAllGather:
		return v.allGather()
	}
	return v.allToAll()
}

// sum adds the parts up in order of the ranks.
func (v server) sum() bool {
	total := make([]float32, min(chunk, len(v.src)))
	for at := 0; at < len(v.src); at += chunk {
		own := v.src[at:min(at+chunk, len(v.src))]
		sum, bytes := total[:len(own)], v.buffer[:len(own)*v.wire.Width()]
		clear(sum)
		v.wire.Accumulate(sum, v.wire.Encode(own))
		for _, p := range v.peers[1:] {
			if !v.readFrom(p, bytes) {
				return false
			}
			v.wire.Accumulate(sum, bytes)
		}
		v.wire.Put(bytes, sum)
		for _, p := range v.peers[1:] {
			if !v.writeValues(p, bytes) {
				return false
			}
		}
		if v.wire == collective.Float32 {
			copy(own, sum)
		} else {
			v.wire.Decode(own, bytes)
		}
	}
	return true
}

// allGather sends every rank's block to all others.
func (v server) allGather() bool {
	for from := range v.place.Size {
		err := chunks(block(v.dst, from, v.place.Size), func(part []float32) error {
			bytes := collective.Float32.Encode(part)
			if from > 0 && !v.readFrom(v.peers[from], bytes) {
				return io.EOF
			}
			for _, p := range v.peers[1:] {
				if p.rank != from && !v.writeValues(p, bytes) {
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

// allToAll forwards the blocks, in order of their sources and destinations.
func (v server) allToAll() bool {
	for from := range v.place.Size {
		for to := range v.place.Size {
			if from != to && !v.pass(from, to) {
				return false
			}
		}
	}
	return true
}

// pass forwards the block of one rank to another.
func (v server) pass(from, to int) bool {
	n := v.place.Size
	for at := 0; at < len(v.src)/n; at += chunk {
		end := min(at+chunk, len(v.src)/n)
		bytes := v.buffer[:4*(end-at)]
		switch {
		case from == 0:
			bytes = collective.Float32.Encode(block(v.src, to, n)[at:end])
		case to == 0:
			bytes = collective.Float32.Encode(block(v.dst, from, n)[at:end])
		}
		if from > 0 && !v.readFrom(v.peers[from], bytes) || to > 0 && !v.writeValues(v.peers[to], bytes) {
			return false
		}
	}
	return true
}

func (v server) write(p *peer, b []byte) bool {
	_, values := p.connections()
	err := values.SetWriteDeadline(time.Now().Add(v.options.Timeout))
	if err == nil {
		_, err = values.Write(b)
	}
	if err != nil {
		v.broken(p, v.op.kind, err)
	}
	return err == nil
}

// writeValues is write, with its bytes counted.
func (v server) writeValues(p *peer, b []byte) bool {
	v.sent.Add(int64(len(b)))
	return v.write(p, b)
}

// readFrom reads the next bytes of p's part.
func (v server) readFrom(p *peer, b []byte) bool {
	_, values := p.connections()
	err := values.SetReadDeadline(time.Now().Add(v.options.Timeout))
	if err == nil {
		_, err = io.ReadFull(values, b)
	}
	if err == nil {
		err = values.SetReadDeadline(time.Time{})
	}
	if err != nil {
		v.broken(p, v.op.kind, err)
	}
	return err == nil
}
