package dashboard

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	_ "embed"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"golang.org/x/net/netutil"

	"alexnet/internal/file"
	"alexnet/internal/loopback"
)

// connections bounds the open connections, so that strangers can't use up the training's
// file descriptors. Further connections wait.
const connections = 128

//go:embed page.html
var page []byte

// Server serves one run. Publish may be called from any goroutine.
type Server struct {
	dir    string // run folder, for its pictures
	token  string // "" asks for none
	url    string
	server http.Server
	done   chan struct{} // closed by Close: ends the streams

	mu        sync.Mutex
	history   [][]byte
	listeners map[chan []byte]bool
}

// pictures are the files of the run folder that the page shows.
var pictures = []string{"kernels.png", "guesses.png"}

// CheckAddress reports an address that Listen can't take in its form.
func CheckAddress(addr string) error {
	_, port, err := net.SplitHostPort(addr)
	if err == nil {
		_, err = net.LookupPort("tcp", port)
	}
	if err != nil {
		return fmt.Errorf("address %q: %w: want :8080 or host:port", addr, err)
	}
	return nil
}

// Listen starts a server at addr. Without a host in addr, only this machine can reach
// it. At an address that other machines can reach, every request needs a random
// token, which is part of URL.
func Listen(addr, dir string) (*Server, error) {
	if err := CheckAddress(addr); err != nil {
		return nil, err
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	if host == "" {
		host = "127.0.0.1"
	}
	listener, err := net.Listen("tcp", net.JoinHostPort(host, port))
	if err != nil {
		return nil, fmt.Errorf("%w: choose another port, or :0 for a free one", err)
	}
	at := listener.Addr().(*net.TCPAddr)
	s := &Server{dir: dir, done: make(chan struct{}), listeners: map[chan []byte]bool{}}
	s.url = "http://" + at.String() + "/"
	if !at.IP.IsLoopback() {
		s.token = rand.Text()
		s.url = "http://" + reachable(at) + "/?token=" + s.token
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Write(page)
	})
	mux.HandleFunc("GET /events", s.events)
	for _, name := range pictures {
		mux.HandleFunc("GET /"+name, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Cache-Control", "no-store")
			picture, err := file.OpenPlain(filepath.Join(dir, name))
			if err != nil {
				http.Error(w, "there is no such picture yet", http.StatusNotFound)
				return
			}
			defer picture.Close()
			http.ServeContent(w, r, name, time.Time{}, picture)
		})
	}
	s.server = http.Server{Handler: s.guard(mux), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10}
	go s.server.Serve(netutil.LimitListener(listener, connections)) // until Close
	return s, nil
}

// reachable returns an address under which other machines find a listener: with this
// machine's name if it listens on all of its addresses.
func reachable(at *net.TCPAddr) string {
	if name, err := os.Hostname(); err == nil && at.IP.IsUnspecified() {
		return net.JoinHostPort(name, strconv.Itoa(at.Port))
	}
	return at.String()
}

// URL returns the address of the page.
func (s *Server) URL() string { return s.url }

// guard checks the token, and stops other sites' pages from reading the run through a
// name that they point at this machine.
func (s *Server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Referrer-Policy", "no-referrer")
		if s.token == "" {
			if !loopback.Host(r.Host) {
				http.Error(w, "this page is for this machine only", http.StatusForbidden)
				return
			}
		} else if subtle.ConstantTimeCompare([]byte(r.URL.Query().Get("token")), []byte(s.token)) != 1 {
			http.Error(w, "the address lacks the token that train-alexnet printed", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// Publish sends v as JSON to all listeners, and to those that connect later.
func (s *Server) Publish(v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.history = append(s.history, text)
	for l := range s.listeners {
		select {
		case l <- text:
		default: // too slow: it reconnects and reads the history again
			delete(s.listeners, l)
			close(l)
		}
	}
	return nil
}

// events streams the history and later events, one JSON object each.
func (s *Server) events(w http.ResponseWriter, r *http.Request) {
	live := make(chan []byte, 256)
	s.mu.Lock()
	history := s.history[:len(s.history):len(s.history)]
	s.listeners[live] = true
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		delete(s.listeners, live)
		s.mu.Unlock()
	}()
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	c := http.NewResponseController(w)
	fmt.Fprint(w, "event: begin\ndata: {}\n\n")
	for _, text := range history {
		fmt.Fprintf(w, "data: %s\n\n", text)
	}
	if c.Flush() != nil {
		return
	}
	for {
		var text []byte
		open := true
		select {
		case text, open = <-live:
		case <-r.Context().Done():
			return
		case <-s.done:
			select { // events published before Close
			case text, open = <-live:
			default:
				return
			}
		}
		if !open {
			return
		}
		fmt.Fprintf(w, "data: %s\n\n", text)
		if c.Flush() != nil {
			return
		}
	}
}

// Close ends all streams and the server.
func (s *Server) Close() error {
	close(s.done)
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if err := s.server.Shutdown(ctx); err != nil {
		return s.server.Close()
	}
	return nil
}
