// Package ranks lets a command run as one of several processes that a launcher
// has started (mpirun, srun, torchrun, Kubernetes): who they are, and how they
// agree.
package ranks

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/urfave/cli/v2"

	"alexnet/engine"
	"alexnet/engine/collective"
	"alexnet/tools/internal/command"
)

// Options are the flags that every such command has, and what its ranks have to have
// in common.
type Options struct {
	Timeout time.Duration
	Wire    collective.Wire
	Terms   collective.Terms
}

// TimeoutFlag is --rank-timeout.
func TimeoutFlag(o *Options) cli.Flag {
	return &cli.DurationFlag{Name: "rank-timeout", Usage: "in a job of several processes: how long a rank waits for the others before it names the missing ones and ends the job",
		Value: 5 * time.Minute, Destination: &o.Timeout}
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
// Close ends the whole job, after printing err. Where GPUs have waited for each
// other in vain, the ranks that know of it meet here, and the group names those
// that don't come; one that comes late, with its step done, hears that this one has
// nothing to tell (engine.Peers). Otherwise rank 0 says for all how it ended, before any rank
// ends: a launcher may take the first one that fails for a reason to kill the rest.
func Close(group collective.Collective, err error) error {
	if group.Size() == 1 {
		return errors.Join(err, group.Close())
	}
	var known agreedError
	if err != nil && !errors.As(err, &known) && !command.IsSkipped(err) {
		if errors.Is(err, engine.ErrStalled) {
			_, lost := group.Gather(nil)
			err = errors.Join(err, lost)
		}
		group.Abort(err)
	}
	if group.Rank() == 0 {
		command.Report(os.Args[0], err, os.Stderr)
	}
	return errors.Join(command.Told(err), group.Close())
}

// Streams gives rank 0 the command's output and the others none, so that people
// and scripts read one answer.
func Streams(group collective.Collective, stdout, stderr io.Writer) (io.Writer, io.Writer) {
	if group.Rank() == 0 {
		return stdout, stderr
	}
	return io.Discard, io.Discard
}

// OnHost is the number of ranks on this rank's host.
func OnHost(group collective.Collective) int {
	n := 0
	for _, host := range group.Hosts() {
		if host == group.Hosts()[group.Rank()] {
			n++
		}
	}
	return n
}
