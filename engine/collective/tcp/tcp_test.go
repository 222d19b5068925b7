package tcp

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"alexnet/engine/collective"
	"alexnet/engine/collective/collectivetest"
	"alexnet/engine/collective/launcher"
)

const token = "a token of tests, no secret"

var noTerms = collective.Terms(nil).Hash()

// port is a free one of this machine.
func port(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// journal is a stderr that several ranks share.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(b []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(b)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

// rank opens one rank in this process; its exits go to exits.
func rank(r, n int, address string, o Options, log io.Writer, exits chan<- int) (*Star, error) {
	o.Exit = func(code int) { exits <- code }
	o.Stderr = log
	if o.Timeout == 0 {
		o.Timeout = 20 * time.Second
	}
	return Open(launcher.Place{Rank: r, Size: n, Local: -1, Address: address, Token: token, By: "a test"}, o)
}

// together runs f on n ranks of this process and returns their errors.
func together(t *testing.T, n int, o Options, f func(*Star) error) (errs []error, log *journal, exits chan int) {
	t.Helper()
	errs, log, exits = make([]error, n), new(journal), make(chan int, n)
	address := port(t)
	var all sync.WaitGroup
	for r := range n {
		all.Go(func() {
			s, err := rank(r, n, address, o, log, exits)
			if err == nil {
				err = f(s)
			}
			errs[r] = err
		})
	}
	all.Wait()
	return errs, log, exits
}

func TestCalls(t *testing.T) {
	defer goleak.VerifyNone(t)
	for _, c := range []struct {
		wire collective.Wire
		n    int
	}{{collective.Float32, 1}, {collective.Float32, 2}, {collective.Float32, 3}, {collective.Float32, 4}, {collective.BFloat16, 2}, {collective.BFloat16, 3}} {
		if testing.Short() && c.n != 3 {
			continue
		}
		errs, log, exits := together(t, c.n, Options{Wire: c.wire}, func(s *Star) error {
			if s.Local() != s.Rank() || len(s.Hosts()) != c.n {
				return fmt.Errorf("local rank %d of rank %d on hosts %v", s.Local(), s.Rank(), s.Hosts())
			}
			return errors.Join(collectivetest.Check(s, c.wire), s.Close())
		})
		if err := errors.Join(errs...); err != nil || len(exits) > 0 || log.String() != "" {
			t.Errorf("%d ranks, wire %d: %v, %d exits, %s", c.n, c.wire, err, len(exits), log)
		}
	}
}

// What rank 0 sends is counted: all answers.
func TestSent(t *testing.T) {
	const n, values = 3, 3 * chunk
	for _, c := range []struct {
		name       string
		wire       collective.Wire
		call       func(*Star) func() error
		zero, rest int64
	}{
		{"sum", collective.Float32, func(s *Star) func() error { return s.AllReduce(make([]float32, values)) }, 2 * 4 * values, 4 * values},
		{"sum bf16", collective.BFloat16, func(s *Star) func() error { return s.AllReduce(make([]float32, values)) }, 2 * 2 * values, 2 * values},
		{"gather", collective.BFloat16, func(s *Star) func() error { return s.AllGather(make([]float32, values)) }, 4 * 4 * chunk, 4 * chunk},
		{"to all", collective.BFloat16, func(s *Star) func() error {
			return s.AllToAll(make([]float32, values), make([]float32, values))
		}, 4 * 4 * chunk, 2 * 4 * chunk},
	} {
		errs, _, _ := together(t, n, Options{Wire: c.wire}, func(s *Star) error {
			err := errors.Join(c.call(s)(), collective.Barrier(s))
			want := c.rest
			if s.Rank() == 0 {
				want = c.zero
			}
			if got := s.Sent(); got != want {
				err = errors.Join(err, fmt.Errorf("rank %d has sent %d bytes, want %d", s.Rank(), got, want))
			}
			return errors.Join(err, s.Close())
		})
		if err := errors.Join(errs...); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// Strangers don't disturb a job that waits for its last rank.
func TestStrangers(t *testing.T) {
	defer goleak.VerifyNone(t)
	address, log, exits := port(t), new(journal), make(chan int, 3)
	var all sync.WaitGroup
	errs := make([]error, 3)
	start := func(r int) {
		all.Go(func() {
			s, err := rank(r, 3, address, Options{}, log, exits)
			if err == nil {
				err = errors.Join(collectivetest.Check(s, collective.Float32), s.Close())
			}
			errs[r] = err
		})
	}
	start(0)
	start(1)
	dial := func() net.Conn {
		t.Helper()
		for {
			conn, err := net.Dial("tcp", address)
			if err == nil {
				t.Cleanup(func() { conn.Close() })
				return conn
			}
			time.Sleep(time.Millisecond)
		}
	}
	dial() // says nothing
	for _, text := range []string{"GET / HTTP/1.1\r\n\r\n", strings.Repeat("\xff", 1<<20), magic, magic + strings.Repeat("\x00", greetingSize)} {
		_, _ = dial().Write([]byte(text)) // rank 0 may close while it is written
	}
	for _, c := range []struct {
		g     greeting
		token string
		want  string
	}{
		{greeting{terms: noTerms, rank: 2, size: 3}, "another token", "has another " + launcher.TokenVariable},
		{greeting{terms: noTerms, rank: 2, size: 4}, token, "another size"},
		{greeting{terms: noTerms, rank: 2, size: 3, wire: collective.BFloat16}, token, "another format"},
		{greeting{terms: noTerms, rank: 3, size: 3}, token, "no such rank"},
		{greeting{terms: noTerms, rank: 0, size: 3}, token, "no such rank"},
		{greeting{terms: noTerms, rank: 2, size: 3, lane: lanes}, token, "no such rank"},
	} {
		err := greet(dial(), c.token, c.g, nil, 5*time.Second)
		if refused := refusedError(""); !errors.As(err, &refused) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %q", c.g, err, c.want)
		}
	}
	start(2)
	all.Wait()
	if err := errors.Join(errs...); err != nil || len(exits) > 0 {
		t.Errorf("%v, %d exits\n%s", err, len(exits), log)
	}
	if n := strings.Count(log.String(), "rank 0 turns away a connection from 127.0.0.1:"); n != mostTold {
		t.Errorf("%d strangers are told of, want %d:\n%s", n, mostTold, log)
	}
}

// Two processes can't be the same rank.
func TestRankAlreadyThere(t *testing.T) {
	address, log := port(t), new(journal)
	var all sync.WaitGroup
	all.Go(func() {
		_, err := rank(0, 2, address, Options{Timeout: time.Second}, log, make(chan int, 1))
		if err == nil || !strings.Contains(err.Error(), "rank 1 at 127.0.0.1:") {
			t.Errorf("rank 0, with half of rank 1: %v", err)
		}
	})
	var conn net.Conn
	for err := errors.New("not yet"); err != nil; time.Sleep(time.Millisecond) {
		conn, err = net.Dial("tcp", address)
	}
	defer conn.Close()
	if err := greet(conn, token, greeting{terms: noTerms, rank: 1, size: 2}, nil, time.Second); err != nil {
		t.Error(err)
	}
	again, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if err := greet(again, token, greeting{terms: noTerms, rank: 1, size: 2}, nil, time.Second); err == nil || !strings.Contains(err.Error(), "it is there already") {
		t.Errorf("a second rank 1: %v", err)
	}
	all.Wait()
}

// Ranks start in any order.
func TestLateRanks(t *testing.T) {
	for _, late := range []int{0, 1} {
		address, log, exits := port(t), new(journal), make(chan int, 2)
		var all sync.WaitGroup
		for r := range 2 {
			all.Go(func() {
				if r == late {
					time.Sleep(300 * time.Millisecond)
				}
				s, err := rank(r, 2, address, Options{}, log, exits)
				if err == nil {
					err = errors.Join(collective.Barrier(s), s.Close())
				}
				if err != nil {
					t.Errorf("rank %d late, rank %d: %v", late, r, err)
				}
			})
		}
		all.Wait()
	}
}

// A rank that never comes is named, and those that came end.
func TestNeverThere(t *testing.T) {
	defer goleak.VerifyNone(t)
	const timeout = 500 * time.Millisecond
	address, log, exits := port(t), new(journal), make(chan int, 3)
	errs := make([]error, 2)
	began := time.Now()
	var all sync.WaitGroup
	for r := range 2 {
		all.Go(func() { _, errs[r] = rank(r, 3, address, Options{Timeout: timeout}, log, exits) })
	}
	all.Wait()
	for r, err := range errs {
		if err == nil || !strings.Contains(err.Error(), "rank 2 did not come to "+address+" within 500ms") {
			t.Errorf("rank %d: %v", r, err)
		}
	}
	if len(exits) != 1 {
		t.Errorf("%d exits, want rank 1's", len(exits))
	}
	if took := time.Since(began); took > 3*timeout {
		t.Errorf("took %v", took)
	}
	_, err := rank(1, 2, address, Options{Timeout: timeout}, log, exits)
	if err == nil || !strings.Contains(err.Error(), "(a test) can't join rank 0 at "+address+": it did not answer within 500ms") {
		t.Errorf("without rank 0: %v", err)
	}
	for _, want := range []string{"rank 0 of 3 waits at " + address + " for ranks [2]\n", "rank 1 of 2 is looking for rank 0 at " + address + ": dial tcp"} {
		if strings.Count(log.String(), want) != 1 {
			t.Errorf("not said once: %s\nsaid:\n%s", want, log)
		}
	}
}

// A rank with another token fails at once and says so.
func TestWrongToken(t *testing.T) {
	address, log := port(t), new(journal)
	var all sync.WaitGroup
	all.Go(func() {
		_, err := rank(0, 2, address, Options{Timeout: time.Second}, log, make(chan int, 1))
		if err == nil || !strings.Contains(err.Error(), "rank 1 did not come") {
			t.Errorf("rank 0: %v", err)
		}
	})
	_, err := Open(launcher.Place{Rank: 1, Size: 2, Address: address, Token: "another token of tests"}, Options{Timeout: time.Second, Stderr: log})
	if err == nil || !strings.Contains(err.Error(), "has another "+launcher.TokenVariable+" than rank 0") {
		t.Errorf("rank 1: %v", err)
	}
	all.Wait()
	if !strings.Contains(log.String(), "it calls itself rank 1 of 2 and has another "+launcher.TokenVariable) {
		t.Errorf("rank 0 said:\n%s", log)
	}
}

// What is no rank 0 can't have a rank join it: it has to know the token too.
func TestFalseZero(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				// It accepts every rank, and proves itself as far as it can.
				_, _ = io.ReadFull(conn, make([]byte, greetingSize))
				nonce := newNonce()
				_, _ = conn.Write(append([]byte(magic), nonce...))
				_, _ = io.ReadFull(conn, make([]byte, 32))
				_, _ = conn.Write(append([]byte{byte(welcome)}, proof("a guess at the token", sideZero, nil, nonce, byte(welcome))...))
			}()
		}
	}()
	_, err = rank(1, 2, l.Addr().String(), Options{Timeout: time.Second}, io.Discard, make(chan int, 1))
	if err == nil || !strings.Contains(err.Error(), "doesn't know this job's "+launcher.TokenVariable) {
		t.Errorf("error %v", err)
	}
}

// Ranks that make other calls than rank 0, or leave before a call that others
// wait in, end the job.
func TestDisagree(t *testing.T) {
	defer goleak.VerifyNone(t)
	for _, c := range []struct {
		name string
		one  func(*Star) error // of rank 1; the others sum four values and then meet
		want string
	}{
		{"another call", func(s *Star) error {
			sum := s.AllReduce(make([]float32, 4))
			err := s.Broadcast(make([]byte, 1), 0)
			return errors.Join(err, sum())
		}, "is a broadcast (root 0"},
		{"another sum", func(s *Star) error { return s.AllReduce(make([]float32, 5))() }, "is a sum of gradients (root 0, 5 values)"},
		{"leaves", func(s *Star) error { return s.Close() }, "has left the job, and others wait for it in a "},
	} {
		errs, log, exits := together(t, 3, Options{}, func(s *Star) error {
			if s.Rank() == 1 {
				return c.one(s)
			}
			return errors.Join(s.AllReduce(make([]float32, 4))(), collective.Barrier(s))
		})
		for r, err := range errs {
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: rank %d: %v", c.name, r, err)
			}
		}
		if len(exits) != 3 || !strings.Contains(log.String(), "ends too: ") {
			t.Errorf("%s: %d exits\n%s", c.name, len(exits), log)
		}
	}
}

// No rank ends before rank 0, which may still save: launchers such as srun
// --kill-on-bad-exit and torchrun end the others when one has ended.
func TestLeaveTogether(t *testing.T) {
	defer goleak.VerifyNone(t)
	var closing atomic.Bool
	errs, log, exits := together(t, 3, Options{Timeout: 200 * time.Millisecond}, func(s *Star) error {
		if s.Rank() == 0 {
			time.Sleep(500 * time.Millisecond) // longer than calls may take
			closing.Store(true)
		}
		err := s.Close()
		if !closing.Load() {
			err = errors.Join(err, errors.New("left before rank 0"))
		}
		return err
	})
	if err := errors.Join(errs...); err != nil || len(exits) > 0 {
		t.Errorf("%v, %d exits, %s", err, len(exits), log)
	}
}

func TestSplitParts(t *testing.T) {
	parts := [][]byte{{1, 2}, {}, {3}}
	all := joinParts(parts)
	got, err := splitParts(all, 3)
	if err != nil || !slices.EqualFunc(got, parts, bytes.Equal) {
		t.Errorf("%v, %v", got, err)
	}
	for n := range all {
		if _, err := splitParts(all[:n], 3); err == nil {
			t.Errorf("the first %d bytes are parts", n)
		}
	}
}
