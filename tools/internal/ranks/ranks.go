// Package ranks lets a command run as one of several processes that a launcher
// has started (mpirun, srun): who they are, and how they agree.
package ranks

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"time"

	"github.com/urfave/cli/v2"

	"alexnet/engine/collective"
	"alexnet/engine/collective/mpi"
)

// Options are the flags that every such command has.
type Options struct {
	Timeout time.Duration
	Wire    mpi.Wire
}

// TimeoutFlag is --rank-timeout.
func TimeoutFlag(o *Options) cli.Flag {
	return &cli.DurationFlag{Name: "rank-timeout", Usage: "under mpirun or srun: how long a rank waits for the others before it names the missing ones and ends the job",
		Value: 5 * time.Minute, Destination: &o.Timeout}
}

// Join joins the processes that a launcher has started with this one; without a
// launcher, or with one process, that is this process alone. The caller closes
// the group.
func Join(o Options) (collective.Collective, error) {
	if mpi.Launched() == 1 {
		return collective.Single{}, nil
	}
	group, err := mpi.Open(mpi.Options{Timeout: o.Timeout, Wire: o.Wire})
	if err != nil {
		return nil, fmt.Errorf("join the job's %d processes: %w", mpi.Launched(), err)
	}
	return group, nil
}

// Agree lets every rank know whether one of them has failed. All ranks call it
// with their own error or nil; it returns nil on all of them or an error on all
// of them: a rank's own, or one that names the first rank that failed and what
// it said.
func Agree(group collective.Collective, err error) error {
	if group.Size() == 1 {
		return err
	}
	var own []byte
	if err != nil {
		own = []byte(err.Error())
	}
	all, lost := group.Gather(own)
	if lost != nil {
		return errors.Join(err, lost)
	}
	if err != nil {
		return agreedError{err}
	}
	for rank, text := range all {
		if len(text) > 0 {
			return agreedError{fmt.Errorf("rank %d on %s: %s", rank, group.Hosts()[rank], text)}
		}
	}
	return nil
}

// Agreed marks an error that every rank returns.
func Agreed(err error) error { return agreedError{err} }

// agreedError is an error that all ranks know of.
type agreedError struct{ error }

func (e agreedError) Unwrap() error { return e.error }

// Close leaves the group after a command that ended with err, and returns it.
// If the other ranks don't know of err, they may be waiting for this one: then
// Close ends the whole job, after printing err.
func Close(group collective.Collective, err error) error {
	var known agreedError
	if err != nil && group.Size() > 1 && !errors.As(err, &known) {
		group.Abort(err)
	}
	return errors.Join(err, group.Close())
}

// Streams gives rank 0 the command's output and the others none, so that people
// and scripts read one answer.
func Streams(group collective.Collective, stdout, stderr io.Writer) (io.Writer, io.Writer) {
	if group.Rank() == 0 {
		return stdout, stderr
	}
	return io.Discard, io.Discard
}

// Processors is this rank's fair share of its host's processors, at least 1.
func Processors(group collective.Collective) int {
	neighbours := 0
	for _, host := range group.Hosts() {
		if host == group.Hosts()[group.Rank()] {
			neighbours++
		}
	}
	return max(1, runtime.GOMAXPROCS(0)/neighbours)
}
