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
	if code := s.cmd.ProcessState.ExitCode(); code != 130 || strings.Contains(s.log.String(), "goroutine ") {
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
	for _, bomb := range [][]byte{pngBomb(t, 7000), scanBomb(7000, 18), scanBomb(7000, 500), []byte("no picture"), headers()["huge.tif"]} {
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

// clients are so many that each post a picture, wait for the answer, and wait a
// little; it returns the times that answers took, and what went wrong.
func (s *served) clients(n int, picture []byte, length time.Duration) (times []time.Duration, wrong map[string]int) {
	wrong = map[string]int{}
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
				took := time.Since(began)
				mu.Lock()
				times = append(times, took)
				if err != nil {
					wrong[err.Error()]++
				} else if status != 200 {
					wrong[fmt.Sprintf("%d %.60s", status, text)]++
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	slices.Sort(times)
	return times, wrong
}

func quantile(times []time.Duration, q float64) time.Duration {
	return times[min(len(times)-1, int(q*float64(len(times))))]
}

// What is promised of good requests beside an attacker.
const (
	promisedP99  = 3 * time.Second
	promisedGood = 0.99 // of requests are answered
)

// TestServeUnderAttack has 200 clients ask for a while, alone and then beside an
// attacker with bombs, dripping sockets and bodies without an end.
func TestServeUnderAttack(t *testing.T) {
	w := newWorld(t)
	length, err := time.ParseDuration(setting(serveVariable, "15s"))
	if err != nil {
		t.Fatal(err)
	}
	picture, err := os.ReadFile(w.picture)
	if err != nil {
		t.Fatal(err)
	}
	s := serve(t, w)
	before := s.peak(t)
	alone, wrong := s.clients(200, picture, length/3)
	t.Logf("alone: %d requests, median %v, p99 %v, not answered: %v", len(alone), quantile(alone, .5), quantile(alone, .99), wrong)
	done := make(chan struct{})
	var attackers sync.WaitGroup
	tries := s.attack(t, &attackers, done)
	time.Sleep(time.Second)
	times, wrong := s.clients(200, picture, length)
	close(done)
	failed := 0
	for _, n := range wrong {
		failed += n
	}
	t.Logf("beside %d tries of an attacker: %d requests, median %v, p99 %v, longest %v, not answered: %v", tries.Load(), len(times),
		quantile(times, .5), quantile(times, .99), times[len(times)-1], wrong)
	if p99 := quantile(times, .99); p99 > promisedP99 {
		t.Errorf("p99 is %v, promised are %v", p99, promisedP99)
	}
	if good := 1 - float64(failed)/float64(len(times)); good < promisedGood {
		t.Errorf("%.2f %% of good requests are answered: %v", 100*good, wrong)
	}
	// The default of --memory, half of that for garbage that has not been collected,
	// the net, and headers and buffers of 1,000 connections.
	peak := s.peak(t)
	t.Logf("memory %d MB before, %d MB at most", before>>20, peak>>20)
	if most := before + 1280e6*3/2 + 1000*(64<<10); peak > most {
		t.Errorf("memory rose to %d MB, promised are %d MB", peak>>20, most>>20)
	}
	attackers.Wait()
	if status, _, err := s.post(http.DefaultClient, picture); status != 200 {
		t.Errorf("after it all: %d, %v", status, err)
	}
	s.stop(t)
}

// Eight dripping sockets, and eight bombs, keep nobody out, with room for two.
func TestServeFewSlots(t *testing.T) {
	w := newWorld(t)
	picture, err := os.ReadFile(w.picture)
	if err != nil {
		t.Fatal(err)
	}
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
	if status, _, err := s.post(http.DefaultClient, picture); status != 200 || time.Since(began) > 2*time.Second {
		t.Errorf("beside dripping sockets: %d, %v after %v", status, err, time.Since(began))
	}
	for _, c := range slow {
		c.SetReadDeadline(time.Now().Add(10 * time.Second))
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
