package rankstest

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Hosts are network namespaces of this machine that simulate machines of a network:
// each has its own hostname and address, and reaches the others only through a
// switch. They share the machine's file system, as a cluster's nodes do. Namespaces
// need Linux and root.
type Hosts struct {
	// Names are the hostnames.
	Names []string

	t      testing.TB
	prefix string // of the namespaces' names
	dir    string // of the two scripts below
}

// enterScript runs a command as a host: enter HOST COMMAND…
//
//go:embed enter.sh
var enterScript string

// agentScript replaces ssh, with which launchers start their daemons.
//
//go:embed agent.sh
var agentScript string

// link is the name of every host's network interface.
const link = "link0"

// NewHosts makes n hosts, which live until the test ends. It skips the test if they
// cannot be made.
func NewHosts(t testing.TB, n int) *Hosts {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("network namespaces, which stand for hosts, want root")
	}
	for _, name := range []string{"ip", "unshare", "mount"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Skipf("%s is not installed (apt-get install iproute2 util-linux mount)", name)
		}
	}
	h := &Hosts{t: t, prefix: fmt.Sprintf("alexnet-%d-", os.Getpid()), dir: t.TempDir()}
	h.writeScripts(n)
	removeLeft()
	// The network is invisible outside: its switch is in a namespace, too.
	for _, name := range append([]string{"switch"}, h.Names...) {
		if out, err := exec.Command("ip", "netns", "add", h.prefix+name).CombinedOutput(); err != nil {
			t.Skipf("the kernel refuses network namespaces: %v: %s", err, out)
		}
		t.Cleanup(func() { h.remove(name) })
	}
	if out, err := h.inside("switch", "ip", "link", "add", "bridge0", "type", "bridge"); err != nil {
		t.Skipf("the kernel has no bridges: %v: %s", err, out)
	}
	h.must("switch", "ip", "link", "set", "bridge0", "up")
	for i, name := range h.Names {
		h.must("switch", "ip", "link", "add", name, "type", "veth", "peer", "name", link, "netns", h.prefix+name)
		h.must("switch", "ip", "link", "set", name, "master", "bridge0", "up")
		h.must(name, "ip", "addr", "add", address(i)+"/24", "dev", link)
		h.must(name, "ip", "link", "set", link, "up")
		h.must(name, "ip", "link", "set", "lo", "up")
	}
	for _, name := range h.Names {
		h.waitFor(name)
	}
	return h
}

// removeLeft removes the namespaces of tests that were killed.
func removeLeft() {
	spaces, _ := filepath.Glob("/run/netns/alexnet-*-*")
	for _, path := range spaces {
		name := filepath.Base(path)
		if _, err := os.Stat("/proc/" + strings.Split(name, "-")[1]); os.IsNotExist(err) {
			_ = exec.Command("ip", "netns", "del", name).Run()
		}
	}
}

// waitFor waits until both ends of a host's cable are up.
func (h *Hosts) waitFor(name string) {
	h.t.Helper()
	for _, end := range h.cable(name) {
		for deadline := time.Now().Add(10 * time.Second); h.must(end.namespace, "cat", "/sys/class/net/"+end.device+"/operstate") != "up"; time.Sleep(10 * time.Millisecond) {
			if time.Now().After(deadline) {
				h.t.Fatalf("%s: the link doesn't come up", name)
			}
		}
	}
}

// cable returns the ends of a host's cable.
func (h *Hosts) cable(name string) [2]struct{ namespace, device string } {
	return [2]struct{ namespace, device string }{{name, link}, {"switch", name}}
}

// address returns a host's address, in a network between the namespaces.
func address(host int) string { return fmt.Sprintf("10.77.0.%d", host+1) }

// writeScripts names n hosts and writes the files of their processes.
func (h *Hosts) writeScripts(n int) {
	h.t.Helper()
	table := "127.0.0.1 localhost\n"
	for i := range n {
		h.Names = append(h.Names, fmt.Sprintf("host%d", i))
		table += fmt.Sprintf("%s host%d\n", address(i), i)
	}
	for name, text := range map[string]string{
		"hosts":    table,
		"enter.sh": strings.ReplaceAll(enterScript, "@PREFIX@", h.prefix),
		"agent.sh": agentScript,
	} {
		if err := os.WriteFile(filepath.Join(h.dir, name), []byte(text), 0o777); err != nil {
			h.t.Fatal(err)
		}
	}
}

// inside runs a command in a namespace.
func (h *Hosts) inside(name string, command ...string) (string, error) {
	out, err := exec.Command("ip", append([]string{"netns", "exec", h.prefix + name}, command...)...).CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

func (h *Hosts) must(name string, command ...string) string {
	h.t.Helper()
	out, err := h.inside(name, command...)
	if err != nil {
		h.t.Fatalf("%s: %s: %v: %s", name, strings.Join(command, " "), err, out)
	}
	return out
}

// remove ends a namespace's processes, which may still run on a host that was cut off,
// and removes the namespace.
func (h *Hosts) remove(name string) {
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		pids := h.processes(name)
		if len(pids) == 0 {
			break
		}
		if time.Now().After(deadline) {
			h.t.Errorf("%s: processes %v don't die", name, pids)
			break
		}
		for _, pid := range pids {
			if p, err := os.FindProcess(pid); err == nil {
				_ = p.Kill()
			}
		}
	}
	if out, err := exec.Command("ip", "netns", "del", h.prefix+name).CombinedOutput(); err != nil {
		h.t.Errorf("remove namespace %s: %v: %s", name, err, out)
	}
}

// processes returns the processes of a namespace, except this one, of which a test may
// have sent a thread there.
func (h *Hosts) processes(name string) (pids []int) {
	out, _ := exec.Command("ip", "netns", "pids", h.prefix+name).Output()
	for _, word := range strings.Fields(string(out)) {
		// A thread of the test's own process may be in the namespace, and be listed by its
		// number.
		if pid, err := strconv.Atoi(word); err == nil && pid != os.Getpid() {
			pids = append(pids, pid)
		}
	}
	return pids
}

// HostLaunchers lists the launchers of Hosts.Run: Open MPI's mpirun, and an MPICH
// without the fault between hosts that Debian 12's has.
var HostLaunchers = []string{"mpirun.openmpi", NewMPICH}

// NewMPICH is the MPICH of mpichVariable, or the one that "make mpich" has installed.
const NewMPICH = "mpich"

const mpichVariable = "ALEXNET_TEST_MPICH"

// newMPICH returns the folder of the newer MPICH.
func newMPICH(t testing.TB) string {
	t.Helper()
	dir := os.Getenv(mpichVariable)
	if dir == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			t.Skip(err)
		}
		dir = filepath.Join(home, ".cache", "alexnet-mpich")
	}
	if _, err := os.Stat(filepath.Join(dir, "bin", "mpiexec")); err != nil {
		t.Skipf("no MPICH of 4.2 or later: %v (make mpich, or set %s)", err, mpichVariable)
	}
	return dir
}

// Run runs the command on perHost ranks on each host, started from the first host,
// and returns the output of all of them. Ranks of different hosts reach each other by
// TCP.
func (h *Hosts) Run(t testing.TB, launcher string, perHost int, args ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	// UCX, which MPICH uses, would notice that the hosts share memory.
	environment := []string{"UCX_TLS=tcp,self", "UCX_NET_DEVICES=" + link}
	var path string
	if launcher == NewMPICH {
		dir := newMPICH(t)
		path = filepath.Join(dir, "bin", "mpiexec")
		environment = append(environment, "ALEXNET_MPI="+filepath.Join(dir, "lib", "libmpi.so.12"))
	} else {
		path = find(t, launcher)
	}
	command := []string{filepath.Join(h.dir, "enter.sh"), h.Names[0], path, "-n", fmt.Sprint(perHost * len(h.Names))}
	command = append(command, h.flags(launcher, perHost)...)
	return execute(ctx, t, append(append(command, os.Args[0]), args...), environment...)
}

// flags returns a launcher's flags for the hosts, the agent, and the ranks' network.
func (h *Hosts) flags(launcher string, perHost int) []string {
	agent := filepath.Join(h.dir, "agent.sh")
	if launcher != "mpirun.openmpi" {
		return []string{"-ppn", fmt.Sprint(perHost), "-hosts", strings.Join(h.Names, ","), "-launcher", "ssh", "-launcher-exec", agent}
	}
	var slots []string
	for _, name := range h.Names {
		slots = append(slots, fmt.Sprint(name, ":", perHost))
	}
	return []string{"--host", strings.Join(slots, ","), "--bind-to", "none", "--mca", "plm", "rsh", "--mca", "plm_rsh_agent", agent,
		"--mca", "oob_tcp_if_include", link,
		// Open MPI's daemons check each other, here every second.
		"--mca", "oob_tcp_keepalive_time", "1", "--mca", "oob_tcp_keepalive_intvl", "1", "--mca", "oob_tcp_keepalive_probes", "2",
		"--mca", "btl_tcp_if_include", link, "--mca", "pml", "ob1", "--mca", "btl", "tcp,vader,self"}
}

// Sent returns the number of bytes that have left a host.
func (h *Hosts) Sent(host int) int64 {
	h.t.Helper()
	text := h.must(h.Names[host], "cat", "/sys/class/net/"+link+"/statistics/tx_bytes")
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		h.t.Fatal(err)
	}
	return n
}

// Plug connects a host's cable, or pulls it out.
func (h *Hosts) Plug(host int, in bool) {
	h.t.Helper()
	if !in {
		h.must("switch", "ip", "link", "set", h.Names[host], "down")
		return
	}
	h.must("switch", "ip", "link", "set", h.Names[host], "up")
	h.waitFor(h.Names[host])
	for _, name := range h.Names { // launchers would not try unreachable hosts again for a while
		h.must(name, "ip", "neigh", "flush", "dev", link)
	}
}

// Limit gives every link a rate in Mbit/s, both ways. It skips the test if the kernel
// cannot.
func (h *Hosts) Limit(rate int) {
	h.t.Helper()
	if _, err := exec.LookPath("tc"); err != nil {
		h.t.Skip("tc is not installed (apt-get install iproute2)")
	}
	for _, name := range h.Names {
		for _, end := range h.cable(name) {
			// A burst of 2 ms, and of one segment that the interface hasn't divided yet.
			out, err := h.inside(end.namespace, "tc", "qdisc", "replace", "dev", end.device, "root",
				"tbf", "rate", fmt.Sprintf("%dmbit", rate), "burst", fmt.Sprint(max(rate*250, 64<<10)), "latency", "100ms")
			if err != nil {
				h.t.Skipf("the kernel limits no rates (tc … tbf): %v: %s", err, out)
			}
		}
	}
}
