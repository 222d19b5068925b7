// Package launch joins the processes that a launcher has started (mpirun, srun,
// torchrun, Kubernetes) to a group. It reads the launcher's environment variables to
// find the ranks, and connects them over MPI or TCP.
package launch

import (
	"errors"
	"fmt"
	"os"
	"time"

	"alexnet/engine/collective"
	"alexnet/engine/collective/launcher"
	"alexnet/engine/collective/mpi"
	"alexnet/engine/collective/tcp"
)

// variable is the environment variable that chooses between MPI and TCP. It overrides
// the launcher's own variables.
const variable = "ALEXNET_RANKS"

// means is the kind of connection between ranks.
type means string

const (
	byMPI means = "mpi"
	byTCP means = "tcp"
	alone means = "none"
)

// choose chooses how to connect the processes of this job. MPI's launchers have priority
// over others that may have started them. The place is valid for TCP only.
func choose(environment launcher.Variables) (means, launcher.Place, error) {
	asked := means(environment(variable))
	switch asked {
	case byMPI, alone:
		return asked, launcher.Place{}, nil
	case "":
		if launcher.MPI(environment) {
			return byMPI, launcher.Place{}, nil
		}
	case byTCP:
	default:
		return "", launcher.Place{}, fmt.Errorf("%s=%s: want %s, %s or %s", variable, asked, byMPI, byTCP, alone)
	}
	place, err := launcher.Given(environment)
	switch {
	case err != nil:
		return "", place, fmt.Errorf("%w (if this process is no rank of a job, set %s=%s)", err, variable, alone)
	case place.Size > 1:
		return byTCP, place, nil
	case asked == byTCP && !launcher.HasRank(environment):
		return "", place, fmt.Errorf("%s=%s, and nothing says which rank this is: set RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT, or start it in a Slurm step", variable, byTCP)
	}
	return alone, place, nil
}

// Options say how to join.
type Options struct {
	// Timeout is how long a rank waits for the others before it names the missing
	// ones.
	Timeout time.Duration
	Wire    collective.Wire
	Terms   collective.Terms // the facts that all ranks must have in common
}

// Join joins the processes that a launcher has started together with this one.
// Without a launcher, or with one process, the group is this process alone. The
// caller closes the group. If ranks have different Terms, the error is a
// *collective.TermsError; if a group is returned with it, the caller closes that too.
func Join(o Options) (collective.Collective, error) {
	how, place, err := choose(os.Getenv)
	switch {
	case err != nil:
		return nil, err
	case how == byTCP:
		group, err := tcp.Open(place, tcp.Options{Timeout: o.Timeout, Wire: o.Wire, Terms: o.Terms})
		if differ := (*collective.TermsError)(nil); errors.As(err, &differ) {
			return nil, differ
		}
		if err != nil {
			return nil, fmt.Errorf("join the job's %d processes: %w", place.Size, err)
		}
		return counted(group)
	case how == alone:
		return collective.Single{}, nil
	}
	size, _ := launcher.MPISize(os.Getenv)
	if size == 1 {
		return collective.Single{}, nil
	}
	group, err := mpi.Open(mpi.Options{Timeout: o.Timeout, Wire: o.Wire})
	if err != nil {
		return nil, fmt.Errorf("join the job's %d processes: %w", size, err)
	}
	if err := alike(group, o.Terms); err != nil {
		return group, err
	}
	return counted(group)
}
