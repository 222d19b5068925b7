package serve

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"syscall"
	"time"

	"alexnet/internal/setting"
)

// Listen listens at an address, HOST:PORT, and sets g.Local and g.Cross. Without a token
// it refuses an address that other machines can reach, unless anyone may ask.
func (g *Guard) Listen(addr string, anyone bool) (net.Listener, error) {
	listener, err := net.Listen("tcp", addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, setting.Errorf("%s: another program listens there: stop it, or give another port (0 takes a free one)", setting.Value("addr", addr))
	}
	if err != nil {
		return nil, setting.Errorf("%s: %w", setting.Name("addr"), err)
	}
	a, ok := listener.Addr().(*net.TCPAddr)
	g.Local, g.Cross = ok && a.IP.IsLoopback(), http.NewCrossOriginProtection()
	if !g.Local && g.Token == nil && !anyone {
		err := setting.Invalidf("%s: other machines can reach it: give %s FILE, or %s to let everyone ask", setting.Value("addr", addr), setting.Name("token-file"), setting.Name("anyone"))
		return nil, errors.Join(err, listener.Close())
	}
	return listener, nil
}

// Exposure says what other machines can see or do after Listen; it is empty where they
// can't reach the server, or are kept out. secure says that the server has TLS.
func (g *Guard) Exposure(secure bool) setting.Text {
	switch {
	case g.Local:
	case g.Token == nil:
		return setting.Textf("other machines can reach it: anyone who can may ask")
	case !secure:
		return setting.Textf("other machines can reach it without TLS: the network between sees the token and the pictures; %s, or a proxy with TLS, hide them",
			setting.All(setting.Name("tls-cert"), setting.Name("tls-key")))
	}
	return setting.Text{}
}

// Run serves until ctx ends. Then it answers the requests that it has accepted, for
// at most Limits.Timeout, retires the ensemble and returns nil, or an error if requests
// were left unanswered. With secure it serves HTTPS.
func (s *Server) Run(ctx context.Context, listener net.Listener, secure *tls.Config) error {
	hs := s.HTTP()
	done := make(chan error, 1)
	go func() {
		if secure != nil {
			listener = tls.NewListener(listener, secure)
		}
		done <- hs.Serve(listener)
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	wait, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.limits.Timeout)
	defer cancel()
	err := hs.Shutdown(wait)
	if err != nil {
		err = errors.Join(fmt.Errorf("requests left unanswered: %w", err), hs.Close())
	}
	s.Retire()
	return err
}

// Answered returns the number of requests for predictions that were answered.
func (s *Server) Answered() uint64 { return s.metrics.total() }

// HTTP returns the server of connections. Each of its steps has a time limit.
func (s *Server) HTTP() *http.Server {
	hs := &http.Server{
		Handler: s, ReadHeaderTimeout: s.limits.Timeout, ReadTimeout: s.limits.Timeout,
		// From the header's end: the time for the body and for the answer, and some to write
		// it.
		WriteTimeout: 2*s.limits.Timeout + 5*time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10,
		ConnContext: s.visits.enter, ConnState: s.visits.state,
		ErrorLog:  log.New(io.Discard, "", 0), // failures of strangers' connections aren't logged
		Protocols: new(http.Protocols),
	}
	hs.Protocols.SetHTTP1(true) // visits needs connections with one request at a time
	return hs
}
