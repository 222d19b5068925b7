package serve

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"alexnet/engine"
)

// dial opens a connection to a server and sends text.
func dial(t *testing.T, url, text string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
	return c
}

// hear reads an answer from a connection.
func hear(t *testing.T, c net.Conn) answer {
	t.Helper()
	if err := c.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	r, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	a := answer{status: r.StatusCode, header: r.Header, closes: r.Close}
	if err := json.NewDecoder(r.Body).Decode(&a); err != nil {
		t.Fatal(err)
	}
	return a
}

const beginning = "POST /predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n\r\nsome"

// Clients that send their pictures slowly keep nobody out, and hear why they fail.
func TestSlowClients(t *testing.T) {
	limits := ample
	limits.Concurrency, limits.Timeout = 2, time.Second
	_, hs := newTestServer(t, limits, Guard{})
	picture := encode(t, 20)
	var slow []net.Conn
	for range 20 {
		slow = append(slow, dial(t, hs.URL, fmt.Sprintf(beginning, 1000)))
	}
	if a := post(t, hs.URL+"/predict", "image/png", strings.NewReader(picture)); a.status != 200 {
		t.Errorf("beside slow clients: %+v", a)
	}
	for _, c := range slow {
		a := hear(t, c)
		if a.status != 408 || a.Error != "the request was not there within 1s" {
			t.Errorf("a slow client hears %+v", a)
		}
	}
}

// A request that says that it is too large is refused before its body comes, and
// what goes wrong with a body is said without addresses.
func TestEarly(t *testing.T) {
	_, hs := newTestServer(t, ample, Guard{})
	if a := hear(t, dial(t, hs.URL, fmt.Sprintf(beginning, 1<<40))); a.status != 413 || !a.closes {
		t.Errorf("1 TB announced: %+v", a)
	}
	c := dial(t, hs.URL, fmt.Sprintf(beginning, 1000))
	if err := c.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if a := hear(t, c); a.status != 400 || a.Error != "the body is cut short or malformed" {
		t.Errorf("a body cut short: %+v", a)
	}
	c = dial(t, hs.URL, "POST /predict HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n")
	if a := hear(t, c); a.status != 400 || a.Error != "the body is cut short or malformed" {
		t.Errorf("damaged chunks: %+v", a)
	}
	in, out := io.Pipe() // chunked, with no end
	go func() {
		for {
			if _, err := out.Write(make([]byte, 1<<16)); err != nil {
				return
			}
		}
	}()
	defer in.Close()
	if a := post(t, hs.URL+"/predict", "image/png", in); a.status != 413 {
		t.Errorf("an endless body: %+v", a)
	}
}

// Where there are as many connections as there may be, or bodies fill their memory,
// those that have taken longest make room.
func TestMakesRoom(t *testing.T) {
	picture := encode(t, 20)
	for name, change := range map[string]func(*Limits){
		"connections": func(l *Limits) { l.Connections = 6 },
		"memory":      func(l *Limits) { l.Bodies = 4 * firstRead },
	} {
		limits := ample
		change(&limits)
		s, hs := newTestServer(t, limits, Guard{})
		client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		var idle, slow []net.Conn
		for range 10 {
			idle = append(idle, dial(t, hs.URL, "POST /pre"))
			slow = append(slow, dial(t, hs.URL, fmt.Sprintf(beginning, 1<<19)))
		}
		for i := range 5 {
			began := time.Now()
			r, err := client.Post(hs.URL+"/predict", "image/png", strings.NewReader(picture))
			if err != nil {
				t.Fatalf("%s: request %d: %v", name, i, err)
			}
			r.Body.Close()
			if took := time.Since(began); r.StatusCode != 200 || took > 5*time.Second {
				t.Errorf("%s: request %d: status %d after %v", name, i, r.StatusCode, took)
			}
		}
		open, away := s.visits.count()
		if away == 0 {
			t.Errorf("%s: nobody was sent away", name)
		}
		for deadline := time.Now().Add(5 * time.Second); name == "connections" && open > 6; open, away = s.visits.count() {
			if time.Now().After(deadline) {
				t.Fatalf("%d connections", open)
			}
		}
		if used := s.bodies.inUse(); used > limits.Bodies {
			t.Errorf("%s: bodies take %d of %d bytes", name, used, limits.Bodies)
		}
		for _, c := range append(idle, slow...) {
			c.Close()
		}
		for deadline := time.Now().Add(5 * time.Second); s.bodies.inUse() > 0; time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("%s: bodies of connections that are gone take %d bytes", name, s.bodies.inUse())
			}
		}
	}
}

// Whoever fits in goes first.
func TestBudget(t *testing.T) {
	b := newBudget(100)
	for i, step := range []struct {
		n    int64
		want bool
	}{{60, true}, {41, false}, {40, true}, {1, false}, {0, true}} {
		if ok, _ := b.try(step.n); ok != step.want {
			t.Errorf("step %d: %v", i, ok)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if b.take(ctx, 1) == nil {
		t.Error("took what isn't there")
	}
	taken := make(chan error, 1)
	go func() { taken <- b.take(t.Context(), 50) }()
	b.give(60)
	if err := <-taken; err != nil || b.inUse() != 90 {
		t.Errorf("%v, %d bytes in use", err, b.inUse())
	}
}

// Pictures take turns in the memory that there is, and those that never fit are
// refused; a small one passes large ones that wait.
func TestDecodingMemory(t *testing.T) {
	limits := ample
	limits.Decoded, limits.Timeout = 2<<20*8/7+1, time.Second
	s, hs := newTestServer(t, limits, Guard{})
	picture := encode(t, 20)
	if a := post(t, hs.URL+"/predict", "image/png", strings.NewReader(encode(t, 800))); a.status != 422 || !strings.Contains(a.Error, "takes 2 MB to decode, more than the server's 2 MB") {
		t.Errorf("a picture that never fits: %+v", a)
	}
	if medium := encode(t, 600); !s.try(1 << 20) {
		t.Fatal("no memory")
	} else if a := post(t, hs.URL+"/predict", "image/png", strings.NewReader(medium)); a.status != 503 {
		t.Errorf("a picture that doesn't fit now: %+v", a)
	}
	if a := post(t, hs.URL+"/predict", "image/png", strings.NewReader(picture)); a.status != 200 {
		t.Errorf("a small picture beside it: %+v", a)
	}
	s.decoded.give(1 << 20)
	for deadline := time.Now().Add(5 * time.Second); s.decoded.inUse()+s.bodies.inUse() != 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d bytes are not given back", s.decoded.inUse()+s.bodies.inUse())
		}
	}
}

func (s *Server) try(n int64) bool {
	ok, _ := s.decoded.try(n)
	return ok
}

// ask sends a request for health or predictions with one header.
func ask(t *testing.T, client *http.Client, method, url, host, header, value string) int {
	t.Helper()
	q, err := http.NewRequest(method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	q.Host = host
	if header != "" {
		q.Header.Set(header, value)
	}
	r, err := client.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	r.Body.Close()
	return r.StatusCode
}

func TestGuards(t *testing.T) {
	_, hs := newTestServer(t, ample, Guard{Local: true, Cross: http.NewCrossOriginProtection(), Token: []byte("0123456789abcdef")})
	const right = "Bearer 0123456789abcdef"
	for _, c := range []struct {
		method, path, host, header, value string
		want                              int
	}{
		{"POST", "/predict", "", "Authorization", right, 400}, // let in, and there is no picture
		{"POST", "/predict", "localhost", "Authorization", "bearer 0123456789abcdef", 400},
		{"POST", "/predict", "", "", "", 401},
		{"POST", "/predict", "", "Authorization", "0123456789abcdef", 401},
		{"POST", "/predict", "", "Authorization", "Bearer 0123456789abcde", 401},
		{"POST", "/predict", "", "Authorization", "Basic 0123456789abcdef", 401},
		{"POST", "/predict", "proxied.example", "Authorization", right, 400},
		{"POST", "/predict", "evil.example", "", "", 401},
		{"POST", "/predict", "", "Sec-Fetch-Site", "cross-site", 403},
		{"POST", "/predict", "", "Origin", "https://evil.example", 403},
		{"GET", "/metrics", "", "Authorization", right, 200},
		{"GET", "/metrics", "", "", "", 401},
		{"GET", "/healthz", "", "", "", 200},
	} {
		if got := ask(t, http.DefaultClient, c.method, hs.URL+c.path, c.host, c.header, c.value); got != c.want {
			t.Errorf("%+v: status %d", c, got)
		}
	}
}

// Without a token, a server on loopback answers to loopback's names.
func TestLocal(t *testing.T) {
	_, hs := newTestServer(t, ample, Guard{Local: true})
	for host, want := range map[string]int{"": 400, "localhost": 400, "[::1]:80": 400, "evil.example": 403, "127.0.0.1.evil.example": 403} {
		for path, want := range map[string]int{"/predict": want, "/healthz": 405} {
			if got := ask(t, http.DefaultClient, "POST", hs.URL+path, host, "", ""); got != want {
				t.Errorf("%s of %q: status %d, want %d", path, host, got, want)
			}
		}
	}
}

// A net whose answers are no numbers is the server's failure, in JSON.
func TestNaN(t *testing.T) {
	s, hs := newTestServer(t, ample, Guard{})
	m := s.ensemble.Models()[0]
	name := m.Parameters()[0].Name
	values, err := m.Read(engine.Weight, name)
	if err != nil {
		t.Fatal(err)
	}
	for i := range values {
		values[i] = float32(math.NaN())
	}
	if err := m.Write(engine.Weight, name, values); err != nil {
		t.Fatal(err)
	}
	picture := encode(t, 20)
	if a := post(t, hs.URL+"/predict", "image/png", strings.NewReader(picture)); a.status != 500 || !strings.Contains(a.Error, "not finite") {
		t.Errorf("answer %+v", a)
	}
}
