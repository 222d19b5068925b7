package launcher

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
)

// Place is the place of a process among the ranks of its job.
type Place struct {
	Rank, Size int
	// Local is its number among the ranks of its host, if the launcher gives it. If
	// it is below 0, ranks are counted by the names of their hosts.
	Local int
	// Address is the address of rank 0, host:port.
	Address string
	// Token is the secret that the ranks of a job share. It never travels.
	Token string
	// By names the source of the place, for messages.
	By string
}

// TokenVariable is the environment variable of the secret that all ranks of a job
// share.
const TokenVariable = "ALEXNET_RANK_TOKEN"

// PortVariable is the environment variable of the port of rank 0, in place of
// MASTER_PORT.
const PortVariable = "ALEXNET_RANK_PORT"

// shortestToken is the least length of a token in bytes.
const shortestToken = 16

// Given reads the place that a launcher without MPI has given this process: from torchrun's
// RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT, which a Kubernetes manifest can also
// set, or from Slurm's variables in a step of several tasks. Without a launcher, or
// with one process, Size is 1.
func Given(e Variables) (Place, error) {
	p, err := e.place()
	if err != nil || p.Size == 1 {
		return p, err
	}
	if p.Local, err = e.local(); err != nil {
		return p, err
	}
	p.Token = e(TokenVariable)
	switch {
	case p.Token == "":
		return p, fmt.Errorf("%s is not set: the ranks of a job know each other by a secret; give all of them the same, with\n\texport %s=$(openssl rand -hex 16)\nbefore srun or torchrun, or from a Secret on Kubernetes", TokenVariable, TokenVariable)
	case len(p.Token) < shortestToken:
		return p, fmt.Errorf("%s has %d characters: want at least %d, such as those of openssl rand -hex 16", TokenVariable, len(p.Token), shortestToken)
	}
	return p, nil
}

// place returns a place without the fields that all places share.
func (e Variables) place() (Place, error) {
	alone := Place{Size: 1, Local: -1}
	slurm := e.slurmTasks()
	switch {
	case e("RANK") == "" && e("WORLD_SIZE") == "" && slurm < 2:
		return alone, nil
	case e("RANK") == "" && slurm > 1:
		return e.slurmPlace(slurm)
	}
	size, err := e.number("WORLD_SIZE", 1, "how many ranks there are, and RANK is set")
	if err != nil {
		return alone, err
	}
	if size == 1 && e("RANK") == "" {
		return alone, nil
	}
	rank, err := e.number("RANK", 0, "which of the WORLD_SIZE ranks this is, from 0")
	switch {
	case err != nil:
		return alone, err
	case rank >= size:
		return alone, fmt.Errorf("RANK=%d, and WORLD_SIZE=%d: want RANK from 0 to WORLD_SIZE−1", rank, size)
	case size == 1:
		return alone, nil
	case e("MASTER_ADDR") == "":
		return alone, fmt.Errorf("WORLD_SIZE=%d, and MASTER_ADDR is not set: set it to the host of rank 0", size)
	}
	port, err := e.port(0)
	return Place{Rank: rank, Size: size, Address: net.JoinHostPort(e("MASTER_ADDR"), strconv.Itoa(port)), By: "RANK and WORLD_SIZE"}, err
}

// number reads a variable that must be set.
func (e Variables) number(name string, least int, what string) (int, error) {
	text := e(name)
	if text == "" {
		return 0, fmt.Errorf("%s is not set: it says %s", name, what)
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < least {
		return 0, fmt.Errorf("%s=%s: want a number of at least %d, %s", name, text, least, what)
	}
	return n, nil
}

// port returns rank 0's port. Under torchrun the store of torchrun's own agent may
// use MASTER_PORT; then the next port is used.
func (e Variables) port(otherwise int) (int, error) {
	name, offset := "MASTER_PORT", 0
	switch {
	case e(PortVariable) != "":
		name = PortVariable
	case e(name) == "" && otherwise > 0:
		return otherwise, nil
	case e("TORCHELASTIC_USE_AGENT_STORE") == "True":
		offset = 1
	}
	port, err := e.number(name, 1, "on which port rank 0 listens")
	if err == nil && port+offset > 65535 {
		err = fmt.Errorf("%s=%d: a port is at most 65535", name, port)
	}
	return port + offset, err
}

// local returns LOCAL_RANK, or Slurm's, or −1.
func (e Variables) local() (int, error) {
	for _, name := range []string{"LOCAL_RANK", "SLURM_LOCALID"} {
		if e(name) != "" && (name == "LOCAL_RANK" || e("RANK") == "") {
			return e.number(name, 0, "which of its host's ranks this is")
		}
	}
	return -1, nil
}

// slurmTasks returns the number of tasks of this process's Slurm step; 0 if it is in
// none. A batch script is in no step, and the shell that salloc opens is a step of
// one task.
func (e Variables) slurmTasks() int {
	if e("SLURM_STEP_ID") == "" {
		return 0
	}
	text := e("SLURM_STEP_NUM_TASKS")
	if text == "" {
		text = e("SLURM_NTASKS")
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0
	}
	return n
}

// Slurm steps without MASTER_PORT use one of these ports, above the well-known
// ones and below those that Linux hands out by itself.
const firstPort, ports = 20000, 10000

// slurmPlace returns the place of a task of a Slurm step.
func (e Variables) slurmPlace(size int) (Place, error) {
	p := Place{Size: size, By: "Slurm"}
	if text := e("WORLD_SIZE"); text != "" && text != strconv.Itoa(size) {
		return p, fmt.Errorf("WORLD_SIZE=%s in a Slurm step of %d tasks: set RANK too, or unset WORLD_SIZE", text, size)
	}
	var err error
	if p.Rank, err = e.number("SLURM_PROCID", 0, "which of the step's tasks this is"); err != nil {
		return p, err
	}
	if p.Rank >= size {
		return p, fmt.Errorf("SLURM_PROCID=%d in a Slurm step of %d tasks", p.Rank, size)
	}
	host := e("MASTER_ADDR")
	if host == "" {
		if host, err = firstHost(e("SLURM_STEP_NODELIST")); err != nil {
			return p, fmt.Errorf("SLURM_STEP_NODELIST=%s: %w; or set MASTER_ADDR to the host of rank 0", e("SLURM_STEP_NODELIST"), err)
		}
	}
	job, err1 := strconv.ParseUint(e("SLURM_JOB_ID"), 10, 64)
	step, err2 := strconv.ParseUint(e("SLURM_STEP_ID"), 10, 64)
	otherwise := 0
	if err1 == nil && err2 == nil {
		// Jobs that follow each other differ, and so do their steps.
		otherwise = firstPort + int((job%ports+7919*(step%ports))%ports)
	}
	port, err := e.port(otherwise)
	p.Address = net.JoinHostPort(host, strconv.Itoa(port))
	return p, err
}

// firstHost returns the first name of a Slurm host list such as node[03-05,9],x1.
func firstHost(list string) (string, error) {
	var name strings.Builder
	for len(list) > 0 && list[0] != ',' {
		if list[0] != '[' {
			name.WriteByte(list[0])
			list = list[1:]
			continue
		}
		inside, rest, closed := strings.Cut(list[1:], "]")
		first := inside[:len(inside)-len(strings.TrimLeft(inside, "0123456789"))]
		after := strings.TrimPrefix(inside, first)
		if !closed || first == "" || after != "" && after[0] != '-' && after[0] != ',' {
			return "", errors.New("no list of hosts such as node[03-05,9],x1")
		}
		name.WriteString(first)
		list = rest
	}
	if name.Len() == 0 {
		return "", errors.New("no host in the list")
	}
	return name.String(), nil
}
