package rankstest

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"testing"
	"time"
)

// TCP means no launcher: the ranks are started directly, with torchrun's variables,
// and connect over TCP.
const TCP = "tcp"

// afterFirst is how long ranks may continue after one has failed. Launchers allow less.
const afterFirst = 3 * time.Second

// runTCP runs the command on ranks with these arguments. Their output comes together, as
// from a launcher.
func runTCP(ctx context.Context, t testing.TB, args [][]string) (string, error) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0") // finds a free port
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	n := len(args)
	out, errs := new(shared), make([]error, n)
	var all sync.WaitGroup
	for r := range n {
		cmd := exec.CommandContext(ctx, os.Args[0], args[r]...)
		cmd.Env = append(os.Environ(), variable+"=1", "RANK="+strconv.Itoa(r), "WORLD_SIZE="+strconv.Itoa(n),
			"MASTER_ADDR=127.0.0.1", "MASTER_PORT="+port, "ALEXNET_RANK_TOKEN=a token of tests, no secret")
		cmd.Stdout, cmd.Stderr = out, out
		cmd.WaitDelay = time.Second
		all.Go(func() {
			if errs[r] = cmd.Run(); errs[r] != nil {
				time.AfterFunc(afterFirst, cancel)
			}
		})
	}
	all.Wait()
	for r, err := range errs {
		if err != nil {
			return out.String(), fmt.Errorf("rank %d: %w", r, err)
		}
	}
	return out.String(), nil
}

// shared collects the output of several processes.
type shared struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *shared) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(b)
}

func (s *shared) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}
