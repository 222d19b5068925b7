//go:build linux

package hostile

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// served is a running train-alexnet serve.
type served struct {
	cmd     *exec.Cmd
	address string
	clock   *clock
	log     *bytes.Buffer
	logged  chan struct{} // closed when the log is whole
}

func serve(t *testing.T, w *world, flags ...string) *served {
	t.Helper()
	s := &served{log: new(bytes.Buffer), logged: make(chan struct{})}
	s.cmd = command("train-alexnet", append([]string{"serve", "--checkpoint", w.checkpoint, "--addr", "127.0.0.1:0"}, flags...)...)
	stderr, err := s.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.cmd.Process.Kill(); s.cmd.Wait() })
	s.clock = newClock(t, s.cmd.Process.Pid)
	lines := bufio.NewReader(stderr)
	for s.address == "" {
		line, err := lines.ReadString('\n')
		if err != nil {
			t.Fatalf("serve: %v", err)
		}
		if m := regexp.MustCompile(`http://(\S+)/predict`).FindStringSubmatch(line); m != nil {
			s.address = m[1]
		}
	}
	go func() { defer close(s.logged); io.Copy(s.log, lines) }()
	return s
}

// stop ends the server as Ctrl-C does, and wants that to work and to be calm.
func (s *served) stop(t *testing.T) {
	t.Helper()
	s.cmd.Process.Signal(syscall.SIGTERM)
	late := time.AfterFunc(40*time.Second, func() { s.cmd.Process.Kill() })
	<-s.logged
	s.cmd.Wait()
	late.Stop()
	if code := s.cmd.ProcessState.ExitCode(); code != 0 || strings.Contains(s.log.String(), "goroutine ") {
		t.Errorf("serve: exit code %d\n%.4000s", code, s.log)
	}
}

// peak is the most memory that the server has had, in bytes.
func (s *served) peak(t *testing.T) int64 {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(text)
	if m == nil {
		t.Skip("the kernel doesn't say how much memory a process has had")
	}
	n, _ := strconv.ParseInt(string(m[1]), 10, 64)
	return n << 10
}

func (s *served) post(client *http.Client, body []byte) (status int, text string, err error) {
	r, err := client.Post("http://"+s.address+"/predict", "application/octet-stream", bytes.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	defer r.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(r.Body, 1<<16))
	return r.StatusCode, string(answer), err
}

// posted are small pictures that take long, and files that only seem to be pictures.
func posted(t *testing.T) [][]byte {
	return [][]byte{pngBomb(t, 7000), scanBomb(7000, 18), scanBomb(7000, 500), []byte("no picture"), headers()["huge.tif"]}
}

// attack asks the server in every way that hurts until done is closed, and returns
// how often.
func (s *served) attack(t *testing.T, all *sync.WaitGroup, done chan struct{}) *atomic.Int64 {
	t.Helper()
	var tries atomic.Int64
	over := func() bool {
		select {
		case <-done:
			return true
		default:
			return false
		}
	}
	client := &http.Client{Timeout: 30 * time.Second}
	for _, bomb := range posted(t) {
		for range 4 {
			all.Go(func() {
				for !over() {
					s.post(client, bomb)
					tries.Add(1)
				}
			})
		}
	}
	// Sockets that drip headers and bodies, or send nothing at all.
	for i := range 200 {
		all.Go(func() {
			text := [...]string{
				"", "POST /predict HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ",
				"POST /predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 19000000\r\n\r\n",
				"POST /predict HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n10000\r\n",
			}[i%4]
			for !over() {
				c, err := net.DialTimeout("tcp", s.address, time.Second)
				if err != nil {
					time.Sleep(10 * time.Millisecond)
					continue
				}
				tries.Add(1)
				io.WriteString(c, text)
				for err == nil && text != "" && !over() {
					time.Sleep(100 * time.Millisecond)
					_, err = c.Write([]byte("x"))
				}
				if text == "" {
					time.Sleep(time.Second)
				}
				c.Close()
			}
		})
	}
	// Bodies that are sent fast up to their last byte, and then no more.
	for range 20 {
		all.Go(func() {
			big := make([]byte, 18<<20)
			for !over() {
				c, err := net.DialTimeout("tcp", s.address, time.Second)
				if err != nil {
					continue
				}
				tries.Add(1)
				fmt.Fprintf(c, "POST /predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n\r\n", len(big)+1)
				c.SetWriteDeadline(time.Now().Add(5 * time.Second))
				c.Write(big)
				for range 30 {
					if time.Sleep(100 * time.Millisecond); over() {
						break
					}
				}
				c.Close()
			}
		})
	}
	return &tries
}

// answers are the times that answers took, in order.
type answers struct {
	own, walls []time.Duration // by the server's own time, and by the machine's
	wrong      map[string]int  // what other answers said, and how often
}

func (a answers) String() string {
	return fmt.Sprintf("%d requests; median %v, p99 %v, longest %v (by the clock %v, %v, %v); not answered: %v", len(a.own),
		quantile(a.own, .5), quantile(a.own, .99), quantile(a.own, 1), quantile(a.walls, .5), quantile(a.walls, .99), quantile(a.walls, 1), a.wrong)
}

// good is the part of the requests that were answered.
func (a answers) good() float64 {
	failed := 0
	for _, n := range a.wrong {
		failed += n
	}
	return 1 - float64(failed)/float64(len(a.own))
}

// clients are so many that each post a picture, wait for the answer, and wait a
// little.
func (s *served) clients(n int, picture []byte, length time.Duration) (a answers) {
	a.wrong = map[string]int{}
	type request struct{ began, ended time.Time }
	var requests []request
	var mu sync.Mutex
	var all sync.WaitGroup
	end := time.Now().Add(length)
	for range n {
		all.Go(func() {
			client := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{}}
			defer client.CloseIdleConnections()
			for time.Now().Before(end) {
				time.Sleep(time.Duration(rand.Int64N(int64(2 * time.Second))))
				began := time.Now()
				status, text, err := s.post(client, picture)
				ended := time.Now()
				mu.Lock()
				requests = append(requests, request{began, ended})
				if err != nil {
					a.wrong[err.Error()]++
				} else if status != 200 {
					a.wrong[fmt.Sprintf("%d %.60s", status, text)]++
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	s.clock.tick()
	for _, r := range requests {
		a.own, a.walls = append(a.own, s.clock.between(r.began, r.ended)), append(a.walls, r.ended.Sub(r.began))
	}
	slices.Sort(a.own)
	slices.Sort(a.walls)
	return a
}

func quantile(times []time.Duration, q float64) time.Duration {
	return times[min(len(times)-1, int(q*float64(len(times))))]
}

// What is promised of good requests beside an attacker, by the server's own time.
const (
	promisedP99  = 3 * time.Second
	promisedGood = 0.99 // of requests are answered
)

// ordeal is what good clients met beside an attacker.
type ordeal struct {
	answers
	bomb time.Duration // what the slowest of the attacker's pictures takes alone
}

// kept reports a broken promise. Whoever has to wait until an attacker's picture gives
// its slot back waits for longer than it takes alone.
func (o ordeal) kept() error {
	if p99 := quantile(o.own, .99); p99 > min(o.bomb, promisedP99) {
		return fmt.Errorf("p99 is %v, while a bomb takes %v; promised are less, and %v", p99, o.bomb, promisedP99)
	}
	if o.good() < promisedGood {
		return fmt.Errorf("%.2f %% of good requests are answered: %v", 100*o.good(), o.wrong)
	}
	return nil
}

// ordeal has 200 clients ask for a while, beside an attacker with bombs, dripping
// sockets and bodies without an end. The attacker has ended when it returns.
func (s *served) ordeal(t *testing.T, picture []byte, length time.Duration) (o ordeal) {
	t.Helper()
	for _, b := range posted(t) {
		began := time.Now()
		s.post(http.DefaultClient, b)
		s.clock.tick()
		o.bomb = max(o.bomb, s.clock.between(began, time.Now()))
	}
	done := make(chan struct{})
	var attackers sync.WaitGroup
	tries := s.attack(t, &attackers, done)
	time.Sleep(time.Second)
	o.answers = s.clients(200, picture, length)
	close(done)
	attackers.Wait()
	t.Logf("beside %d tries of an attacker, whose bombs take %v: %v", tries.Load(), o.bomb, o)
	return o
}

// TestServeUnderAttack has clients ask for a while, alone and then beside an attacker.
func TestServeUnderAttack(t *testing.T) {
	w := newWorld(t)
	length, err := time.ParseDuration(setting(serveVariable, "15s"))
	if err != nil {
		t.Fatal(err)
	}
	picture := w.bytes(t)
	s := serve(t, w)
	before := s.peak(t)
	t.Logf("alone: %v", s.clients(200, picture, length/3))
	if err := s.ordeal(t, picture, length).kept(); err != nil {
		t.Error(err)
	}
	// The default of --memory, half of that for garbage that has not been collected,
	// the net, and headers and buffers of 1,000 connections.
	peak := s.peak(t)
	t.Logf("memory %d MB before, %d MB at most", before>>20, peak>>20)
	if most := before + 1280e6*3/2 + 1000*(64<<10); peak > most {
		t.Errorf("memory rose to %d MB, promised are %d MB", peak>>20, most>>20)
	}
	if status, _, err := s.post(http.DefaultClient, picture); status != 200 {
		t.Errorf("after it all: %d, %v", status, err)
	}
	s.stop(t)
}

// TestHeldSlots shows that the promise is a test: a server whose only slot the
// attacker's pictures hold breaks it.
func TestHeldSlots(t *testing.T) {
	w := newWorld(t)
	if o := serve(t, w, "--concurrency", "1").ordeal(t, w.bytes(t), 5*time.Second); o.kept() == nil {
		t.Error("a server with one slot keeps what is promised beside an attacker")
	}
}

// Eight dripping sockets, and eight bombs, keep nobody out, with room for two.
func TestServeFewSlots(t *testing.T) {
	w := newWorld(t)
	picture := w.bytes(t)
	s := serve(t, w, "--concurrency", "2", "--timeout", "3s", "--memory", "700")
	var slow []net.Conn
	for range 8 {
		c, err := net.Dial("tcp", s.address)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		io.WriteString(c, "POST /predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\nx")
		slow = append(slow, c)
	}
	began := time.Now()
	status, _, err := s.post(http.DefaultClient, picture)
	s.clock.tick()
	if took := s.clock.between(began, time.Now()); status != 200 || took > 2*time.Second {
		t.Errorf("beside dripping sockets: %d, %v after %v", status, err, took)
	}
	for _, c := range slow {
		c.SetReadDeadline(time.Now().Add(time.Minute))
		answer, err := io.ReadAll(c)
		if !bytes.HasPrefix(answer, []byte("HTTP/1.1 408 ")) || !bytes.Contains(answer, []byte(`{"error":`)) {
			t.Errorf("a dripping socket hears %q, %v", answer, err)
		}
	}
	bomb := pngBomb(t, 7000)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() { s.post(http.DefaultClient, bomb) })
	}
	time.Sleep(100 * time.Millisecond)
	client := &http.Client{Transport: &http.Transport{}}
	answered := 0
	for range 10 {
		if status, _, _ := s.post(client, picture); status == 200 {
			answered++
		}
	}
	all.Wait()
	peak := s.peak(t)
	t.Logf("beside bombs %d of 10 are answered; memory %d MB at most", answered, peak>>20)
	if answered < 9 || peak > 1<<30 {
		t.Errorf("%d of 10 are answered, %d MB", answered, peak>>20)
	}
	s.stop(t)
}
