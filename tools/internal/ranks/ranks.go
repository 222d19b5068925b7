// Package ranks is the shared part of commands that may run as one of several
// processes of a launcher (mpirun, srun, torchrun, Kubernetes): which flags they
// compare, and how they end together.
package ranks

import (
	"errors"
	"io"
	"os"
	"time"

	"github.com/urfave/cli/v2"

	"alexnet/engine"
	"alexnet/engine/collective"
	"alexnet/engine/collective/launch"
	"alexnet/tools/internal/command"
)

// Options are the options with which every such command joins its ranks.
type Options = launch.Options

// Join joins the processes that a launcher has started with this one (launch.Join).
// Ranks that were started differently are a usage error.
func Join(o Options) (collective.Collective, error) {
	group, err := launch.Join(o)
	if errors.As(err, new(*collective.TermsError)) {
		err = command.WithCode(command.BadUsage, err)
	}
	if err != nil && group != nil {
		return nil, Close(group, err)
	}
	return group, err
}

// TimeoutFlag is --rank-timeout.
func TimeoutFlag(o *Options) cli.Flag {
	return &cli.DurationFlag{Name: "rank-timeout", Usage: "in a job of several processes: `TIME` that a rank waits for the others before it names the missing ones and ends the job",
		Value: 5 * time.Minute, Destination: &o.Timeout}
}

// Close leaves the group after a command that ended with err, and returns err. If the
// other ranks don't know of err, they may be waiting for this one: then Close prints
// err and ends the whole job. If GPUs have waited for each other in vain, the ranks
// that know of it call Close, and the group names the missing ranks; a rank that
// comes late, after its step, learns that this one has nothing to report
// (engine.Group). Otherwise rank 0 prints for all how the job ended, before any rank
// ends: a launcher may kill the rest after the first failure.
func Close(group collective.Collective, err error) error {
	if group.Size() == 1 {
		return errors.Join(err, group.Close())
	}
	if err != nil && !collective.IsAgreed(err) && !command.IsSkipped(err) {
		if errors.Is(err, engine.ErrStalled) {
			_, lost := group.Gather(nil)
			err = errors.Join(err, lost)
		}
		group.Abort(err)
	}
	if group.Rank() == 0 {
		command.Report(os.Args[0], err, os.Stderr)
	}
	return errors.Join(command.Reported(err), group.Close())
}

// Streams gives rank 0 the command's output and the other ranks none, so that people
// and scripts read one answer.
func Streams(group collective.Collective, stdout, stderr io.Writer) (io.Writer, io.Writer) {
	if group.Rank() == 0 {
		return stdout, stderr
	}
	return io.Discard, io.Discard
}
