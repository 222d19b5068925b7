package serve

import (
	"crypto/tls"
	"math"
	"runtime"
	"runtime/debug"
	"time"

	"alexnet/internal/setting"
)

// Limits bound the resources of requests.
type Limits struct {
	Body        int64         // bytes of a request
	Bodies      int64         // bytes of all requests that have not been decoded
	Decoded     int64         // bytes of all pictures that are being decoded
	Timeout     time.Duration // for a request to arrive, and again for its answer
	Concurrency int           // requests in work
	Queue       int           // complete requests that wait for their turn
	Connections int           // open at the same time
	Top         int           // guesses unless the request says
}

// Share sets Body, the limit of one request, and Bodies and Decoded, so that all requests
// together take memory; both are in megabytes. A Concurrency of 0 becomes four for each
// core. Limits that make no sense are a *setting.Error.
func (l *Limits) Share(body, memory float64) error {
	for _, f := range []struct {
		name  string
		value any
		ok    bool
	}{
		{"max-body", body, positive(body)}, {"memory", memory, positive(memory)}, {"timeout", l.Timeout, l.Timeout > 0},
		{"concurrency", l.Concurrency, within(l.Concurrency, 0)}, {"queue", l.Queue, within(l.Queue, 0)},
		{"connections", l.Connections, within(l.Connections, 1)}, {"top", l.Top, within(l.Top, 1)},
	} {
		if !f.ok {
			return setting.Invalidf("%s: want a positive number, at most %d", setting.Value(f.name, f.value), math.MaxInt32)
		}
	}
	l.Body = int64(body * 1e6)
	all := int64(memory * 1e6)
	l.Bodies = all / 4
	l.Decoded = all - l.Bodies
	// A form is copied once, and a body is copied as it grows.
	if l.Bodies < 2*l.Body+firstRead {
		return setting.Invalidf("%s: a quarter of it is for bodies, which has to hold two of %s: want at least %d", setting.Value("memory", memory), setting.Name("max-body"), 8*l.Body/1e6+1)
	}
	if l.Concurrency == 0 {
		l.Concurrency = 4 * runtime.GOMAXPROCS(0)
	}
	return nil
}

func positive(v float64) bool { return v > 0 && v <= math.MaxInt32 }

func within(n, least int) bool { return n >= least && n <= math.MaxInt32 }

// BoundHeap makes this process collect garbage early when the requests' memory is
// used up: otherwise as much again may be garbage. A limit that the user has set
// stays.
func (l *Limits) BoundHeap() {
	if debug.SetMemoryLimit(-1) != math.MaxInt64 {
		return
	}
	requests := l.Bodies + l.Decoded
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	debug.SetMemoryLimit(int64(m.Sys) + requests + requests/8)
}

// Certificate reads a server's certificate and its key, both PEM. Without files it
// returns nil, for no TLS.
func Certificate(cert, key string) (*tls.Config, error) {
	if cert == "" && key == "" {
		return nil, nil
	}
	if cert == "" || key == "" {
		return nil, setting.Invalidf("%s go together: give both", setting.All(setting.Name("tls-cert"), setting.Name("tls-key")))
	}
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return nil, setting.Errorf("%s %q, %s %q: %w", setting.Name("tls-cert"), cert, setting.Name("tls-key"), key, err)
	}
	return &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}, nil
}
