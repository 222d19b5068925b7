package tcp

import (
	"errors"
	"fmt"
	"net"
	"time"

	"alexnet/engine/collective"
	"alexnet/internal/printable"
)

// find connects this rank to rank 0, which may start later.
func (s *Star) find() error {
	p := newPeer(0)
	s.peers[0] = p
	deadline := time.Now().Add(s.options.Timeout)
	for l := range lanes {
		conn, err := s.dial(l, deadline)
		if err != nil {
			return fmt.Errorf("rank %d of %d (%s) can't join rank 0 at %s: %w", s.place.Rank, s.place.Size, s.place.By, s.place.Address, err)
		}
		p.attach(s, l, conn)
	}
	return nil
}

// sayAfter is how long a rank waits at the beginning of the job before it prints that it
// waits.
func (o Options) sayAfter() time.Duration { return min(10*time.Second, o.Timeout/4) }

// longestWait is the longest pause between two tries to reach rank 0.
const longestWait = time.Second

func (s *Star) dial(l lane, deadline time.Time) (*net.TCPConn, error) {
	g := greeting{lane: l, wire: s.options.Wire, rank: uint32(s.place.Rank), size: uint32(s.place.Size), terms: s.options.Terms.Hash()}
	say := time.Now().Add(s.options.sayAfter())
	for wait := 20 * time.Millisecond; ; wait = min(2*wait, longestWait) {
		conn, err := net.DialTimeout("tcp", s.place.Address, min(5*time.Second, time.Until(deadline)))
		if err == nil {
			if err = greet(conn, s.place.Token, g, s.options.Terms, min(2*patience, time.Until(deadline))); err == nil {
				return conn.(*net.TCPConn), nil
			}
			_ = conn.Close()
		}
		var refused refusedError
		switch {
		case errors.As(err, &refused), errors.As(err, new(*collective.TermsError)):
			return nil, err
		case time.Until(deadline) < wait:
			return nil, fmt.Errorf("it did not answer within %v: is it running, and does the address lead to its host? The last try: %w", s.options.Timeout, err)
		}
		if l == laneControl && time.Now().After(say) {
			printable.Fprintf(s.options.Stderr, "rank %d of %d is looking for rank 0 at %s: %v\n", s.place.Rank, s.place.Size, s.place.Address, err)
			say = deadline
		}
		select {
		case <-s.ended:
			return nil, s.lost
		case <-time.After(wait):
		}
	}
}

// attach sets one of the peer's connections and begins to read it.
func (p *peer) attach(s *Star, l lane, conn *net.TCPConn) {
	keepAlive(conn, s.options.Timeout, l == laneControl)
	p.mu.Lock()
	if l == laneControl {
		p.control = conn
	} else {
		p.values = conn
	}
	p.mu.Unlock()
	switch {
	case l == laneControl:
		go s.listen(p)
	case s.place.Rank == 0:
		go s.readHeaders(p)
	}
}

// keepAlive makes the system close a connection to a host that is silent for about the
// timeout. On the connection for values a process may read slowly without a fault,
// because it waits for other ranks.
func keepAlive(conn *net.TCPConn, timeout time.Duration, control bool) {
	quarter := max(time.Second, timeout/4)
	_ = conn.SetKeepAliveConfig(net.KeepAliveConfig{Enable: true, Idle: quarter, Interval: max(time.Second, timeout/8), Count: 4})
	if control {
		userTimeout(conn, max(time.Second, timeout))
	}
}
