package launch

import (
	"errors"
	"runtime"

	"alexnet/engine/collective"
)

// member is a rank of a job with its fair share of its host's processors.
type member struct {
	collective.Collective
	processors int
}

// counted finds the processors of a new member. A launcher may have bound every rank
// to its own processors; ranks that may use the same ones share them.
func counted(group collective.Collective) (collective.Collective, error) {
	all, err := group.Gather(bound())
	if err != nil {
		group.Abort(err)
		return nil, errors.Join(err, group.Close())
	}
	return member{group, share(runtime.GOMAXPROCS(0), group.Rank(), group.Hosts(), all)}, nil
}

// share divides processors by the number of ranks on this rank's host that are bound
// to the same ones.
func share(processors, rank int, hosts []string, bound [][]byte) int {
	together := 0
	for r, host := range hosts {
		if host == hosts[rank] && string(bound[r]) == string(bound[rank]) {
			together++
		}
	}
	return max(1, processors/together)
}

// Processors returns a rank's fair share of its host's processors, at least 1.
func Processors(group collective.Collective) int {
	if m, ok := group.(member); ok {
		return m.processors
	}
	return runtime.GOMAXPROCS(0)
}
