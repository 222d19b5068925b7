//go:build linux

package hostile

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// freePort is a port that nobody listens on.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// Bad frames to the place where ranks meet disturb nobody: while connections send
// noise, half greetings and nothing, the right ranks find each other and their result
// is that of one process.
func TestBadFrames(t *testing.T) {
	w := newWorld(t)
	dir := t.TempDir()
	alone := filepath.Join(dir, "alone.json")
	must(t, "compute-pca", "--shards", w.large, "--recompute", "--out", alone)
	port := freePort(t)
	together := filepath.Join(dir, "together.json")
	start := func(rank int) *exec.Cmd {
		c := command("compute-pca", "--shards", w.large, "--recompute", "--rank-timeout", "40s", "--workers", "1", "--out", together)
		c.Env = append(os.Environ(), fmt.Sprint("RANK=", rank), "WORLD_SIZE=3", "MASTER_ADDR=127.0.0.1", "MASTER_PORT="+port, "ALEXNET_RANK_TOKEN=a token of tests, no secret")
		return c
	}
	ends := make(chan outcome, 3)
	go func() { ends <- finish(t, start(0), time.Minute) }()
	random := rand.New(rand.NewPCG(14, 4))
	noise := func(n int) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(random.Uint32())
		}
		return string(b)
	}
	var open []net.Conn
	sent := 0
	for i := range 400 {
		c, err := net.DialTimeout("tcp", "127.0.0.1:"+port, time.Second)
		if err != nil {
			time.Sleep(10 * time.Millisecond) // rank 0 isn't there yet
			continue
		}
		sent++
		text := [...]string{
			"", noise(random.IntN(300)), noise(1 << 16), "GET / HTTP/1.1\r\n\r\n", "ALEXRNK2", "ALEXRNK1" + noise(42),
			"ALEXRNK2\x00\x00\x01\x00\x00\x00\x03\x00\x00\x00" + noise(64), "ALEXRNK2\x00\x00\x01\x00\x00\x00\x03\x00\x00\x00" + noise(64) + noise(32),
			"ALEXRNK2\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff" + noise(200),
		}[i%9]
		io.WriteString(c, text)
		if i%3 == 0 && len(open) < 100 {
			open = append(open, c)
		} else {
			c.Close()
		}
		if i == 200 {
			go func() { ends <- finish(t, start(1), time.Minute) }()
		}
	}
	go func() { ends <- finish(t, start(2), time.Minute) }()
	for range 3 {
		o := <-ends
		o.calm(t, "a rank")
		if o.code != 0 {
			t.Errorf("a rank ends with %d\n%s", o.code, o.text)
		}
	}
	for _, c := range open {
		c.Close()
	}
	a, err1 := os.ReadFile(alone)
	b, err2 := os.ReadFile(together)
	if err1 != nil || err2 != nil || string(a) != string(b) {
		t.Errorf("the ranks' result differs: %v, %v", err1, err2)
	}
	if sent < 200 {
		t.Errorf("only %d bad connections were made", sent)
	}
	t.Logf("%d bad connections, %d of them held open", sent, len(open))
}

// A rank of another job is turned away, and everyone ends soon, with the reason.
func TestOtherJobsRank(t *testing.T) {
	w := newWorld(t)
	dir, port := t.TempDir(), freePort(t)
	start := func(rank int, seed string) *exec.Cmd {
		c := command("train-alexnet", "--train", w.train, "--net", w.net, "--run", filepath.Join(dir, "run"+seed), "--batch", "12", "--steps", "3", "--seed", seed, "--rank-timeout", "8s")
		c.Env = append(os.Environ(), fmt.Sprint("RANK=", rank), "WORLD_SIZE=2", "MASTER_ADDR=127.0.0.1", "MASTER_PORT="+port, "ALEXNET_RANK_TOKEN=a token of tests, no secret")
		return c
	}
	ends := make(chan outcome, 2)
	go func() { ends <- finish(t, start(0, "1"), 30*time.Second) }()
	go func() { ends <- finish(t, start(1, "2"), 30*time.Second) }()
	for range 2 {
		if o := <-ends; o.code != 2 || !strings.Contains(o.text, "--seed is ") || !strings.Contains(o.text, "--run is ") {
			t.Errorf("exit code %d\n%s", o.code, o.text)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "run*")); len(left) > 0 {
		t.Errorf("%v were made", left)
	}
}
