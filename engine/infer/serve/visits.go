package serve

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"sync"
	"time"
)

// visits bounds a server's connections and the memory of requests that are still
// arriving. If there are too many connections, it closes the one that has kept the server
// waiting longest. If memory is short, it closes the one whose request holds most of it.
// So slow clients are closed in favour of others, and only when there is no space left.
type visits struct {
	most int // connections

	mu       sync.Mutex
	open     map[net.Conn]*visit
	present  int // of open, those that were not closed to make room
	sentAway uint64
	leaving  *visit // was closed for its memory and hasn't returned it
}

// visit is one connection.
type visit struct {
	conn   net.Conn
	phase  phase
	since  time.Time     // of the phase
	held   int64         // bytes of its request's body
	away   bool          // was closed to make room
	thrown chan struct{} // closed then
}

// phase is the state of a connection's request.
type phase uint8

const (
	waiting phase = iota // no request, or not all of its header
	sending              // header read, body on its way
	working              // the request is complete and is being answered
)

func newVisits(most int) *visits { return &visits{most: most, open: map[net.Conn]*visit{}} }

// visitKey is the context key of a connection's visit.
type visitKey struct{}

// enter is an http.Server's ConnContext.
func (s *visits) enter(ctx context.Context, c net.Conn) context.Context {
	v := &visit{conn: c, since: time.Now(), thrown: make(chan struct{})}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.present >= s.most {
		s.close(s.slowest())
	}
	s.open[c] = v
	s.present++
	if s.present > s.most { // the others are being answered
		s.close(v)
	}
	return context.WithValue(ctx, visitKey{}, v)
}

// state is an http.Server's ConnState.
func (s *visits) state(c net.Conn, state http.ConnState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.open[c]
	if v == nil {
		return
	}
	switch state {
	case http.StateActive:
		v.phase, v.since = sending, time.Now()
	case http.StateIdle:
		v.phase, v.since = waiting, time.Now()
	case http.StateClosed, http.StateHijacked:
		delete(s.open, c)
		if !v.away {
			s.present--
		}
		s.left(v)
	}
}

// begin records that a request is complete: its connection isn't closed to make room any
// more. v is nil in a server without visits.
func (s *visits) begin(v *visit) {
	if v == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	v.phase = working
}

// makeRoom closes the connection whose unfinished body holds the most memory. It does
// nothing while one that was closed for this has not returned its memory yet.
func (s *visits) makeRoom() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.leaving != nil {
		return
	}
	var most *visit
	for _, v := range s.open {
		if v.phase == sending && !v.away && v.held > 0 && (most == nil || v.held > most.held) {
			most = v
		}
	}
	if s.leaving = most; most != nil {
		s.sendAway(most)
		_ = most.conn.SetReadDeadline(time.Unix(1, 0)) // ends the handler's read, which returns the reason
	}
}

// holds records the memory of a request's body.
func (s *visits) holds(v *visit, bytes int64) {
	if v == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if v.held = bytes; bytes == 0 {
		s.left(v)
	}
}

func (s *visits) left(v *visit) {
	if s.leaving == v {
		s.leaving = nil
	}
}

// slowest returns the connection that has gone longest without sending a whole
// request.
func (s *visits) slowest() (v *visit) {
	for _, o := range s.open {
		if o.phase != working && !o.away && (v == nil || o.since.Before(v.since)) {
			v = o
		}
	}
	return v
}

func (s *visits) sendAway(v *visit) {
	v.away = true
	close(v.thrown)
	s.present--
	s.sentAway++
}

// close ends a connection at once: an answer would keep it open for longer.
func (s *visits) close(v *visit) {
	if v == nil {
		return
	}
	s.sendAway(v)
	c := v.conn
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn() // without TLS's closing message, which may take time
	}
	_ = c.Close()
}

// count returns the number of connections, and of those that were closed to make
// room.
func (s *visits) count() (open int, sentAway uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.open), s.sentAway
}
