//go:build linux

package rankstest

import (
	"io"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// within runs f on a thread that lives in a host's network.
func within(t *testing.T, h *Hosts, host int, f func() error) error {
	t.Helper()
	result := make(chan error)
	go func() {
		runtime.LockOSThread() // for ever: the thread isn't used for anything else
		result <- func() error {
			space, err := unix.Open("/run/netns/"+h.prefix+h.Names[host], unix.O_RDONLY|unix.O_CLOEXEC, 0)
			if err != nil {
				return err
			}
			defer unix.Close(space)
			if err := unix.Setns(space, unix.CLONE_NEWNET); err != nil {
				return err
			}
			return f()
		}()
	}()
	return <-result
}

// transfer sends n bytes from the second host to the first, and returns how long
// that took.
func transfer(t *testing.T, h *Hosts, n int) time.Duration {
	t.Helper()
	var listener net.Listener
	err := within(t, h, 0, func() (err error) {
		listener, err = net.Listen("tcp", address(0)+":0")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	var sender net.Conn
	err = within(t, h, 1, func() (err error) {
		sender, err = net.DialTimeout("tcp", listener.Addr().String(), 5*time.Second)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	receiver, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer receiver.Close()
	began := time.Now()
	go func() {
		defer sender.Close()
		_, _ = sender.Write(make([]byte, n))
	}()
	if got, err := io.Copy(io.Discard, receiver); err != nil || got != int64(n) {
		t.Fatalf("%d of %d bytes: %v", got, n, err)
	}
	return time.Since(began)
}

func TestHosts(t *testing.T) {
	h := NewHosts(t, 2)
	before := h.Sent(1)
	if d := transfer(t, h, 1<<20); d > time.Second {
		t.Errorf("1 MiB took %v without a limit", d)
	}
	if n := h.Sent(1) - before; n < 1<<20 || n > 5<<18 {
		t.Errorf("1 MiB is %d bytes on the link", n)
	}
	h.Limit(8) // 1 MiB is 1.05 s
	if d := transfer(t, h, 1<<20); d < 700*time.Millisecond || d > 5*time.Second {
		t.Errorf("1 MiB took %v at 8 Mbit/s", d)
	}
	if out, err := h.inside("host0", h.dir+"/agent.sh", "-x", "host1", "hostname; cat /etc/hosts"); err != nil || !strings.HasPrefix(out, "host1\n") || !strings.Contains(out, "10.77.0.1 host0") {
		t.Errorf("%v\n%s", err, out)
	}
}
