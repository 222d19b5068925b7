package tcp

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"alexnet/engine/collective"
	"alexnet/engine/collective/launcher"
)

// roleVariable turns this test binary into a rank that plays a role.
const roleVariable = "ALEXNET_TCP_ROLE"

// timeout is that of the ranks that play.
const timeout = 2 * time.Second

func TestMain(m *testing.M) {
	if role := os.Getenv(roleVariable); role != "" {
		if err := play(role); err != nil {
			fmt.Fprintln(os.Stderr, "rank failed:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// play is "event rank": something happens to the rank while the others wait for it, in a
// call or elsewhere.
func play(role string) error {
	place, err := launcher.Given(os.Getenv)
	if err != nil {
		return err
	}
	s, err := Open(place, Options{Timeout: timeout})
	if err != nil {
		return err
	}
	what, who, _ := strings.Cut(role, " ")
	if who == strconv.Itoa(s.Rank()) {
		switch strings.TrimSuffix(what, "-unnoticed") {
		case "die":
			err = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		case "stop", "stop-in-sum":
			if what == "stop-in-sum" {
				s.AllReduce(make([]float32, 100*chunk))
			}
			err = syscall.Kill(os.Getpid(), syscall.SIGSTOP)
			time.Sleep(time.Minute) // it stops a moment later
		case "miss":
			time.Sleep(time.Minute)
		case "abort":
			s.Abort(errors.New("the disk is full"))
		}
	}
	switch {
	case strings.HasSuffix(what, "-unnoticed"):
		fmt.Println("met")
		// Blocked in the system, as in a GPU's library, and in no call of ours.
		_ = syscall.Nanosleep(&syscall.Timespec{Sec: 60}, nil)
	case what == "stop-in-sum":
		err = errors.Join(err, s.AllReduce(make([]float32, 100*chunk))())
	case what == "close":
		if s.Rank() == 0 {
			time.Sleep(300 * time.Millisecond)
		}
	default:
		err = errors.Join(err, s.AllReduce(make([]float32, 1000))(), collective.Barrier(s))
	}
	if err := errors.Join(err, s.Close()); err != nil {
		return err
	}
	fmt.Println("done", s.Rank(), "of", s.Size())
	return nil
}

// process is a rank of its own.
type process struct {
	cmd  *exec.Cmd
	out  journal
	err  error
	took time.Duration
}

// start starts n ranks that play a role; prefix, per rank, starts a command.
func start(t *testing.T, role, address string, n int, prefix func(rank int) []string) []*process {
	t.Helper()
	host, port, _ := strings.Cut(address, ":")
	ranks := make([]*process, n)
	for r := range ranks {
		line := []string{os.Args[0]}
		if prefix != nil {
			line = append(prefix(r), line...)
		}
		p := &process{cmd: exec.Command(line[0], line[1:]...)}
		p.cmd.Env = append(os.Environ(), roleVariable+"="+role, "RANK="+strconv.Itoa(r), "WORLD_SIZE="+strconv.Itoa(n),
			"MASTER_ADDR="+host, "MASTER_PORT="+port, launcher.TokenVariable+"="+token)
		p.cmd.Stdout, p.cmd.Stderr = &p.out, &p.out
		if err := p.cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = p.cmd.Process.Kill() })
		ranks[r] = p
	}
	return ranks
}

// finish waits for all ranks but one, which it kills when the others have ended or
// limit is over.
func finish(ranks []*process, but int, limit time.Duration) {
	began := time.Now()
	timer := time.AfterFunc(limit, func() {
		for _, p := range ranks {
			_ = p.cmd.Process.Kill()
		}
	})
	defer timer.Stop()
	var all sync.WaitGroup
	for r, p := range ranks {
		if r != but {
			all.Go(func() { p.err, p.took = p.cmd.Wait(), time.Since(began) })
		}
	}
	all.Wait()
	if but >= 0 {
		_ = ranks[but].cmd.Process.Kill()
		ranks[but].err = ranks[but].cmd.Wait()
	}
}

// A rank that dies, hangs or gives up takes the others with it, soon, wherever
// they are; all say who it was. The ranks are processes.
func TestFailures(t *testing.T) {
	if testing.Short() {
		t.Skip("starts many processes")
	}
	for _, c := range []struct {
		role string
		who  int    // is not counted; -1 for none
		says string // every other rank
		soon bool   // at once, rather than after the timeout
	}{
		{"die", 1, "rank 1 on HOST is gone", true},
		{"die", 0, "rank 0 on HOST is gone", true},
		{"die-unnoticed", 1, "rank 1 on HOST is gone", true},
		{"die-unnoticed", 0, "rank 0 on HOST is gone", true},
		{"stop", 1, "rank 1 on HOST did not come to a ", false},
		{"stop", 0, "rank 0 on HOST did not come to a ", false},
		{"stop-in-sum", 2, "rank 2 on HOST ", false},
		{"miss", 1, "rank 1 on HOST did not come to a ", false},
		{"miss", 0, "rank 0 on HOST did not come to a ", false},
		{"abort", 1, "rank 1 of 3 ends the job: the disk is full", true},
		{"abort", 0, "rank 0 of 3 ends the job: the disk is full", true},
		{"abort-unnoticed", 2, "rank 2 of 3 ends the job: the disk is full", true},
	} {
		t.Run(fmt.Sprint(c.role, " ", c.who), func(t *testing.T) {
			t.Parallel()
			but := c.who
			if strings.HasPrefix(c.role, "abort") || c.role == "miss" {
				but = -1 // these end by themselves
			}
			ranks := start(t, fmt.Sprint(c.role, " ", c.who), port(t), 3, nil)
			finish(ranks, but, 20*time.Second)
			host, _ := os.Hostname()
			for r, p := range ranks {
				says := strings.ReplaceAll(c.says, "HOST", host)
				if r == but {
					continue
				}
				if code := p.cmd.ProcessState.ExitCode(); code != 1 || !strings.Contains(p.out.String(), says) {
					t.Errorf("rank %d: code %d after %v, want %q:\n%s", r, code, p.took, says, &p.out)
				}
				limit := timeout*3/2 + 2*endTimeout
				if c.soon {
					limit = timeout - 200*time.Millisecond
				}
				if p.took > limit+time.Second { // that it takes to start
					t.Errorf("rank %d: ended after %v", r, p.took)
				}
			}
		})
	}
}

// Ranks that close at different times are not gone.
func TestCloseOrder(t *testing.T) {
	ranks := start(t, "close", port(t), 3, nil)
	finish(ranks, -1, 10*time.Second)
	for r, p := range ranks {
		if want := fmt.Sprintf("done %d of 3\n", r); p.err != nil || p.out.String() != want {
			t.Errorf("rank %d: %v, %q", r, p.err, p.out.String())
		}
	}
}

// A host that vanishes sends no FIN; TCP finds out.
func TestHostVanishes(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for a timeout")
	}
	spaces := fmt.Sprintf("alexnet-tcp-%d-", os.Getpid())
	ip := func(args string) error {
		out, err := exec.Command("ip", strings.Fields(strings.ReplaceAll(args, "NS", spaces))...).CombinedOutput()
		if err != nil {
			return fmt.Errorf("ip %s: %w: %s", args, err, out)
		}
		return nil
	}
	t.Cleanup(func() { _, _ = ip("netns del NS0"), ip("netns del NS1") })
	for _, args := range []string{
		"netns add NS0", "netns add NS1",
		"-n NS0 link add v type veth peer name v netns NS1",
		"-n NS0 addr add 10.77.0.1/24 dev v", "-n NS1 addr add 10.77.0.2/24 dev v",
		"-n NS0 link set v up", "-n NS1 link set v up",
	} {
		if err := ip(args); err != nil {
			t.Skip("network namespaces can't be made here: ", err)
		}
	}
	ranks := start(t, "die-unnoticed nobody", "10.77.0.1:29500", 2, func(r int) []string {
		return []string{"ip", "netns", "exec", spaces + strconv.Itoa(r)}
	})
	for until := time.Now().Add(10 * time.Second); time.Now().Before(until); time.Sleep(10 * time.Millisecond) {
		if ranks[0].out.String() != "" && ranks[1].out.String() != "" {
			break // they have met
		}
	}
	if err := ip("-n NS1 link set v down"); err != nil {
		t.Fatal(err)
	}
	finish(ranks, -1, 15*time.Second)
	for r, p := range ranks {
		if want := fmt.Sprintf("rank %d on ", 1-r); p.cmd.ProcessState.ExitCode() != 1 || !strings.Contains(p.out.String(), want) || !strings.Contains(p.out.String(), " is gone") {
			t.Errorf("rank %d after %v: %v, want %q\n%s", r, p.took, p.err, want, &p.out)
		}
		if limit := 3 * timeout; p.took > limit {
			t.Errorf("rank %d noticed after %v, want %v", r, p.took, limit)
		}
	}
}
