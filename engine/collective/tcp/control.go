package tcp

import (
	"encoding/binary"
	"fmt"
	"net"
	"time"
)

// send writes a frame on the control connection.
func (p *peer) send(h header, body []byte, deadline time.Time) error {
	control, _ := p.connections()
	p.write.Lock()
	defer p.write.Unlock()
	h.count = uint64(len(body))
	if err := control.SetWriteDeadline(deadline); err != nil {
		return err
	}
	if p.ending.Load() {
		if err := control.SetWriteDeadline(time.Now().Add(endTimeout)); err != nil {
			return err
		}
	}
	parts := net.Buffers{h.append(nil), body}
	_, err := parts.WriteTo(control)
	return err
}

// listen reads a peer's control connection until it ends. It ends the job, and this
// process, if the peer says so or the connection breaks.
func (s *Star) listen(p *peer) {
	control, _ := p.connections()
	told := false
	for {
		f, err := readFrame(control)
		if err != nil {
			close(p.gone)
			if !told && !isClosed(s.closed) && !s.hasLeft(p.rank) {
				s.end(s.name(p.rank)+" is gone: ending the job; "+resumeHint, s.place.Rank)
			}
			return
		}
		switch f.kind {
		case kindEnd:
			told = true
			go s.end(string(f.body[:min(len(f.body), longestReason)]), p.rank)
		case kindLeave:
			if !s.hasLeft(p.rank) {
				close(p.left)
			}
		default:
			if s.place.Rank == 0 {
				s.control.come(p.rank, f.kind)
			}
			select {
			case p.frames <- f:
			case <-s.closed:
			}
		}
	}
}

// call sends this rank's part of a call on bytes, and returns rank 0's answer.
func (s *Star) call(h header, part []byte, answer func(parts [][]byte) []byte) ([]byte, error) {
	if isClosed(s.ended) {
		return nil, s.lost
	}
	h.round = s.round
	s.round++
	s.control.come(s.place.Rank, h.kind)
	defer s.control.next()
	if s.place.Rank == 0 {
		return s.collect(h, part, answer)
	}
	zero := s.peers[0]
	if len(part) > largestBody {
		s.end(fmt.Sprintf("rank %d sends %d bytes to %v: at most 1 GiB is supported", s.place.Rank, len(part), h.kind), s.place.Rank)
		return nil, s.lost
	}
	// The connection's reader reports any error.
	_ = zero.send(h, part, time.Now().Add(2*s.options.Timeout))
	f, err := s.next(zero, h)
	return f.body, err
}

// next returns a peer's part of a call, or rank 0's answer.
func (s *Star) next(p *peer, h header) (frame, error) {
	select {
	case f := <-p.frames:
		if f.kind != h.kind || f.root != h.root || f.round != h.round {
			s.differ(p, f.header, h)
			return f, s.lost
		}
		return f, nil
	case <-s.ended:
		return frame{}, s.lost
	}
}

// differ ends a job whose ranks make different calls.
func (s *Star) differ(p *peer, theirs, ours header) {
	s.end(fmt.Sprintf("call %d of %s is %v (root %d, %d values), and call %d of rank %d is %v (root %d, %d values): do all ranks run the same program with the same flags? Ending the job",
		theirs.round, s.name(p.rank), theirs.kind, theirs.root, theirs.count, ours.round, s.place.Rank, ours.kind, ours.root, ours.count), s.place.Rank)
}

// collect is rank 0's side of a call.
func (s *Star) collect(h header, part []byte, answer func([][]byte) []byte) ([]byte, error) {
	parts, total := make([][]byte, s.place.Size), len(part)
	parts[0] = part
	for r := 1; r < s.place.Size; r++ {
		f, err := s.next(s.peers[r], h)
		if err != nil {
			return nil, err
		}
		parts[r] = f.body
		total += len(f.body)
	}
	if total > largestBody-4*s.place.Size {
		s.end(fmt.Sprintf("%v of %d bytes: at most 1 GiB is supported", h.kind, total), 0)
		return nil, s.lost
	}
	body := answer(parts)
	for _, p := range s.peers[1:] {
		if err := p.send(h, body, time.Now().Add(s.options.Timeout)); err != nil {
			s.broken(p, h.kind, err)
			return nil, s.lost
		}
	}
	return body, nil
}

// Broadcast overwrites data with root's data.
func (s *Star) Broadcast(data []byte, root int) error {
	for len(data) > 0 {
		part := data[:min(len(data), largestBody/2)]
		data = data[len(part):]
		var own []byte
		if s.place.Rank == root {
			own = part
		}
		all, err := s.call(header{kind: kindBroadcast, root: uint32(root)}, own, func(parts [][]byte) []byte { return parts[root] })
		if err != nil {
			return err
		}
		if copy(part, all) != len(part) || len(all) != len(part) {
			return fmt.Errorf("broadcast: rank %d sends %d bytes where rank %d expects %d", root, len(all), s.place.Rank, len(part))
		}
	}
	return nil
}

// Gather returns every rank's data.
func (s *Star) Gather(data []byte) ([][]byte, error) {
	all, err := s.call(header{kind: kindGather}, data, joinParts)
	if err != nil {
		return nil, err
	}
	return splitParts(all, s.place.Size)
}

// joinParts joins parts, with their lengths (u32) before them.
func joinParts(parts [][]byte) []byte {
	var all []byte
	for _, p := range parts {
		all = binary.LittleEndian.AppendUint32(all, uint32(len(p)))
	}
	for _, p := range parts {
		all = append(all, p...)
	}
	return all
}

func splitParts(all []byte, n int) ([][]byte, error) {
	if len(all) < 4*n {
		return nil, fmt.Errorf("gather: %d bytes for %d ranks", len(all), n)
	}
	lengths, data, parts := all[:4*n], all[4*n:], make([][]byte, n)
	for r := range parts {
		size := binary.LittleEndian.Uint32(lengths[4*r:])
		if uint64(size) > uint64(len(data)) {
			return nil, fmt.Errorf("gather: rank %d's part of %d bytes is cut off", r, size)
		}
		parts[r], data = data[:size:size], data[size:]
	}
	return parts, nil
}
