package tcp

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"syscall"
	"time"

	"alexnet/engine/collective"
	"alexnet/engine/collective/launcher"
	"alexnet/internal/printable"
)

// rendezvous accepts the connections of the other ranks, on rank 0.
type rendezvous struct {
	s       *Star
	room    chan struct{}  // limits the handshakes at the same time
	full    chan struct{}  // closed when all ranks have joined
	differ  chan differing // receives ranks with other terms
	answers sync.WaitGroup

	mu      sync.Mutex
	taken   map[seat]bool
	seated  int
	waiting map[*net.TCPConn]bool // in their handshakes
	shut    bool
	told    int // number of messages about strangers
}

// seat identifies one of the job's connections.
type seat struct {
	rank uint32
	lane lane
}

// differing is a rank with other terms, and the differences.
type differing struct {
	rank int
	err  error
}

// mostWaiting limits the handshakes at the same time. Further connections wait in the
// system's queue.
const mostWaiting = 256

// mostTold limits the messages about strangers.
const mostTold = 5

// assemble accepts all ranks and refuses other connections.
func (s *Star) assemble() error {
	for r := 1; r < s.place.Size; r++ {
		s.peers[r] = newPeer(r)
	}
	if s.place.Size == 1 {
		return nil
	}
	timeout := time.After(s.options.Timeout)
	l, err := s.open(time.Now().Add(s.options.Timeout))
	if err != nil {
		return err
	}
	d := &rendezvous{s: s, room: make(chan struct{}, mostWaiting), full: make(chan struct{}), differ: make(chan differing, 1), taken: map[seat]bool{}, waiting: map[*net.TCPConn]bool{}}
	d.answers.Go(func() { d.answer(l) })
	defer d.close(l)
	say := time.After(s.options.sayAfter())
	var other differing          // the refused rank
	var overdue <-chan time.Time // for the time in which the right one may still come
	for err == nil {
		select {
		case <-d.full:
			return nil
		case <-s.ended:
			return s.lost
		case <-say:
			printable.Fprintf(s.options.Stderr, "rank 0 of %d waits at %s for ranks %v\n", s.place.Size, s.place.Address, d.missing())
		case found := <-d.differ:
			if overdue == nil {
				other, overdue = found, time.After(s.options.sayAfter())
			}
		case <-overdue:
			if overdue = nil; slices.Contains(d.missing(), other.rank) {
				err = other.err
			}
		case <-timeout:
			err = errors.New(s.complaint(d.missing(), "to "+s.place.Address, s.options.Timeout))
		}
	}
	s.closing.Do(func() { close(s.closed) }) // connections that end now are no error
	s.announceEnd(err.Error(), 0)
	return err
}

// open listens at the place's address. If the name is not this host's loopback, it
// listens on all interfaces, because a host's own name often has another address there
// than on other hosts.
func (s *Star) open(deadline time.Time) (*net.TCPListener, error) {
	host, port, err := net.SplitHostPort(s.place.Address)
	if err != nil {
		return nil, err
	}
	if host != "localhost" && net.ParseIP(host) == nil {
		host = ""
	}
	for {
		l, err := net.Listen("tcp", net.JoinHostPort(host, port))
		switch {
		case err == nil:
			return l.(*net.TCPListener), nil
		case host != "" && errors.Is(err, syscall.EADDRNOTAVAIL):
			host = "" // address translation leads here
			continue
		case time.Until(deadline) < longestWait:
			return nil, fmt.Errorf("rank 0 (%s) can't listen for the other ranks: %w; MASTER_PORT or %s choose another port", s.place.By, err, launcher.PortVariable)
		}
		time.Sleep(longestWait / 4) // an earlier job may be about to end
	}
}

// answer accepts connections until the listener is closed.
func (d *rendezvous) answer(l *net.TCPListener) {
	for {
		d.room <- struct{}{}
		conn, err := l.AcceptTCP()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			<-d.room
			time.Sleep(10 * time.Millisecond) // too many open files, perhaps
			continue
		}
		d.answers.Go(func() {
			defer func() { <-d.room }()
			d.admit(conn)
		})
	}
}

// close closes the connections that still wait.
func (d *rendezvous) close(l *net.TCPListener) {
	_ = l.Close()
	d.mu.Lock()
	d.shut = true
	for conn := range d.waiting {
		_ = conn.Close()
	}
	d.mu.Unlock()
	d.answers.Wait()
}

// admit gives a connection its seat, or closes it.
func (d *rendezvous) admit(conn *net.TCPConn) {
	d.mu.Lock()
	if d.shut {
		d.mu.Unlock()
		_ = conn.Close()
		return
	}
	d.waiting[conn] = true
	d.mu.Unlock()

	var at seat
	reserved := false
	err := admit(conn, d.s.place.Token, d.s.options.Terms, func(g greeting) verdict {
		at = seat{g.rank, g.lane}
		v := d.judge(g)
		reserved = v == welcome
		return v
	})
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.waiting, conn)
	if err != nil {
		if reserved {
			delete(d.taken, at) // it may try again
		}
		_ = conn.Close()
		if errors.As(err, new(*collective.TermsError)) {
			select {
			case d.differ <- differing{int(at.rank), err}:
			default:
			}
			err = fmt.Errorf("rank %d was started with other terms than rank 0, or belongs to another job", at.rank)
		}
		if !d.shut && d.told < mostTold {
			d.told++
			printable.Fprintf(d.s.options.Stderr, "rank 0 turns away a connection from %v: %v\n", conn.RemoteAddr(), err)
		}
		return
	}
	d.s.peers[at.rank].attach(d.s, at.lane, conn)
	if d.seated++; d.seated == int(lanes)*(d.s.place.Size-1) {
		close(d.full)
	}
}

// judge reserves the seat of a rank that has proved to belong to the job.
func (d *rendezvous) judge(g greeting) verdict {
	d.mu.Lock()
	defer d.mu.Unlock()
	at := seat{g.rank, g.lane}
	switch {
	case int64(g.size) != int64(d.s.place.Size):
		return wrongSize
	case g.rank == 0 || g.rank >= g.size || g.lane >= lanes:
		return wrongRank
	case g.terms != d.s.options.Terms.Hash():
		return wrongTerms
	case g.wire != d.s.options.Wire:
		return wrongWire
	case d.taken[at]:
		return wrongRank
	}
	d.taken[at] = true
	return welcome
}

// missing returns the ranks that have not joined.
func (d *rendezvous) missing() []int {
	d.mu.Lock()
	defer d.mu.Unlock()
	var ranks []int
	for r := 1; r < d.s.place.Size; r++ {
		for l := range lanes {
			if !d.taken[seat{uint32(r), l}] {
				ranks = append(ranks, r)
				break
			}
		}
	}
	return ranks
}
