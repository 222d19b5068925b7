package tcp

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"alexnet/engine/collective"
	"alexnet/engine/collective/launcher"
	"alexnet/internal/printable"
)

// Options tune a Star.
type Options struct {
	// Timeout is how long ranks wait for each other, at the beginning and within one
	// call. Then the missing ranks are named and the job ends. 0 means 5 minutes.
	Timeout time.Duration
	// Wire is the format of values between ranks. All ranks have the same.
	Wire collective.Wire
	// Terms are the facts that all ranks must have in common. A rank with other terms
	// is turned away. If the right one does not come soon, the job ends, and every
	// rank prints the differences.
	Terms collective.Terms
	// Exit ends the process when the job ends; nil is os.Exit. If it returns, all
	// calls fail from then on.
	Exit func(code int)
	// Stderr receives the reason; nil is os.Stderr.
	Stderr io.Writer
}

// Star is the group of all ranks of the job, a collective.Collective.
type Star struct {
	place   launcher.Place
	options Options
	hosts   atomic.Pointer[[]string]
	peers   []*peer // by rank, nil for this one; ranks other than 0 have only rank 0

	round            uint64 // of the next call on bytes
	control, values  *attendance
	toSend, toAnswer chan *op // calls on values, in order; rank 0 sends only answers
	sent             atomic.Int64

	closing sync.Once
	closed  chan struct{}
	ending  sync.Once
	lost    error         // why the job has ended
	ended   chan struct{} // closed after that if the process continues
}

// peer is another rank for rank 0, and rank 0 for the others.
type peer struct {
	rank int

	mu      sync.Mutex // guards the connections, nil until the rank has joined
	control *net.TCPConn
	values  *net.TCPConn

	write  sync.Mutex  // one frame at a time on control
	ending atomic.Bool // the job ends: no long writes any more
	frames chan frame
	left   chan struct{} // closed when it has announced its end
	gone   chan struct{} // closed when its connections have ended

	heads chan header   // headers of its parts of calls on values
	read  chan struct{} // signals that such a part has been read
}

func newPeer(rank int) *peer {
	return &peer{rank: rank, frames: make(chan frame, 1), left: make(chan struct{}), gone: make(chan struct{}), heads: make(chan header), read: make(chan struct{})}
}

func (p *peer) connections() (control, values *net.TCPConn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.control, p.values
}

// Open joins the other ranks. The caller closes the Star.
func Open(p launcher.Place, o Options) (*Star, error) {
	if o.Timeout == 0 {
		o.Timeout = 5 * time.Minute
	}
	if o.Exit == nil {
		o.Exit = os.Exit
	}
	if o.Stderr == nil {
		o.Stderr = os.Stderr
	}
	s := &Star{place: p, options: o, peers: make([]*peer, p.Size), closed: make(chan struct{}), ended: make(chan struct{}), toSend: make(chan *op, mostCalls), toAnswer: make(chan *op, mostCalls)}
	if err := s.connect(); err != nil {
		s.hangUp()
		return nil, err
	}
	host, err := os.Hostname()
	if err != nil {
		host = "unknown host"
	}
	names, err := s.Gather([]byte(host))
	if err == nil {
		hosts := make([]string, p.Size)
		for r, name := range names {
			hosts[r] = string(name)
		}
		s.hosts.Store(&hosts)
		err = collective.Barrier(s) // all ranks can name a rank that is lost from now on
	}
	if err != nil {
		s.hangUp()
		return nil, err
	}
	return s, nil
}

// connect connects this rank to rank 0 and starts the goroutines that serve it.
func (s *Star) connect() error {
	members := []int{0}
	for r := 1; r < s.place.Size; r++ {
		if s.place.Rank == 0 || s.place.Rank == r {
			members = append(members, r)
		}
	}
	s.control, s.values = newAttendance(s.place.Size, members...), newAttendance(s.place.Size, members...)
	if s.place.Rank > 0 {
		if err := s.find(); err != nil {
			return err
		}
		go s.sendValues()
		go s.receiveValues()
	} else {
		if err := s.assemble(); err != nil {
			return err
		}
		go s.serveValues()
	}
	go s.watch()
	return nil
}

// Rank is this process's number.
func (s *Star) Rank() int { return s.place.Rank }

// Size is the number of processes.
func (s *Star) Size() int { return s.place.Size }

// Hosts returns the name of every rank's host.
func (s *Star) Hosts() []string { return *s.hosts.Load() }

// Local returns this process's number on its host, from the launcher, or else
// counted.
func (s *Star) Local() int {
	if s.place.Local >= 0 {
		return s.place.Local
	}
	n, hosts := 0, s.Hosts()
	for _, h := range hosts[:s.place.Rank] {
		if h == hosts[s.place.Rank] {
			n++
		}
	}
	return n
}

// Sent returns the number of bytes of values that this rank has sent to others. Rank
// 0 sends all answers.
func (s *Star) Sent() int64 { return s.sent.Load() }

// name returns a rank's name with its host. Until hosts are known, it has the address.
func (s *Star) name(rank int) string {
	if hosts := s.hosts.Load(); hosts != nil {
		return fmt.Sprintf("rank %d on %s", rank, (*hosts)[rank])
	}
	if rank == 0 {
		return "rank 0 at " + s.place.Address
	}
	if p := s.peers[rank]; p != nil {
		if control, _ := p.connections(); control != nil {
			return fmt.Sprintf("rank %d at %v", rank, control.RemoteAddr())
		}
	}
	return fmt.Sprintf("rank %d", rank)
}

func (s *Star) hasLeft(rank int) bool {
	p := s.peers[rank]
	return p != nil && isClosed(p.left)
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// Abort prints the reason and ends every rank.
func (s *Star) Abort(reason error) {
	s.end(fmt.Sprintf("rank %d of %d ends the job: %v", s.place.Rank, s.place.Size, reason), s.place.Rank)
}

// end ends the job and this process. from is the rank that found the reason. Other
// callers wait until the process has ended.
func (s *Star) end(why string, from int) {
	s.ending.Do(func() {
		text := why
		if from != s.place.Rank {
			text = fmt.Sprintf("rank %d of %d ends too: %s", s.place.Rank, s.place.Size, why)
		}
		fmt.Fprintln(s.options.Stderr, printable.Error(errors.New(text)))
		s.lost = errors.New(why)
		s.announceEnd(why, from)
		s.hangUp()
		s.options.Exit(1)
		close(s.ended)
	})
}

// endTimeout is how long ranks may take to exchange the news that the job ends.
const endTimeout = time.Second

// longestReason is the longest reason that is sent, in bytes.
const longestReason = 16 << 10

// announceEnd sends the other ranks the reason of the end, and waits until they have closed
// their connections, so that the message isn't lost.
func (s *Star) announceEnd(why string, from int) {
	limit := time.Now().Add(endTimeout)
	var all sync.WaitGroup
	for _, p := range s.peers {
		if p == nil || p.rank == from {
			continue
		}
		control, _ := p.connections()
		if control == nil {
			continue
		}
		p.ending.Store(true)
		_ = control.SetWriteDeadline(limit)
		all.Go(func() {
			if p.send(header{kind: kindEnd}, []byte(why[:min(len(why), longestReason)]), limit) != nil || control.CloseWrite() != nil {
				return
			}
			select {
			case <-p.gone:
			case <-time.After(time.Until(limit)):
			}
		})
	}
	all.Wait()
}

// hangUp closes all connections. Errors after it are ignored.
func (s *Star) hangUp() {
	s.closing.Do(func() { close(s.closed) })
	for _, p := range s.peers {
		if p == nil {
			continue
		}
		control, values := p.connections()
		for _, c := range []*net.TCPConn{control, values} {
			if c != nil {
				_ = c.Close()
			}
		}
	}
}

// Close leaves the job when all ranks have called it, however long rank 0 takes: a
// launcher may kill the rest when the first process ends. Calls under way are given
// up.
func (s *Star) Close() error {
	if s.place.Rank > 0 {
		return s.leave()
	}
	limit := time.After(s.options.Timeout)
	if err := s.all(func(p *peer) chan struct{} { return p.left }, limit); err != nil {
		return err
	}
	for _, p := range s.peers[1:] {
		_ = p.send(header{kind: kindLeave}, nil, time.Now().Add(s.options.Timeout)) // a rank that is gone needs no answer
	}
	if err := s.all(func(p *peer) chan struct{} { return p.gone }, limit); err != nil {
		return err
	}
	s.hangUp()
	return nil
}

// leave tells rank 0 that this rank has finished, and waits until all have.
func (s *Star) leave() error {
	// The connection's reader reports any error.
	_ = s.peers[0].send(header{kind: kindLeave}, nil, time.Now().Add(s.options.Timeout))
	select {
	case <-s.peers[0].left:
	case <-s.ended:
		return s.lost
	}
	s.hangUp()
	return nil
}

// all waits until all peers have taken a step.
func (s *Star) all(step func(*peer) chan struct{}, limit <-chan time.Time) error {
	for _, p := range s.peers[1:] {
		select {
		case <-step(p):
		case <-s.ended:
			return s.lost
		case <-limit:
			s.end(s.complaint(s.staying(step), "to the end of the job", s.options.Timeout), 0)
			return s.lost
		}
	}
	return nil
}

// staying returns the ranks that have not taken a step.
func (s *Star) staying(step func(*peer) chan struct{}) []int {
	var ranks []int
	for _, p := range s.peers[1:] {
		if !isClosed(step(p)) {
			ranks = append(ranks, p.rank)
		}
	}
	return ranks
}

var _ collective.Collective = (*Star)(nil)
