// Package devices opens device contexts by name, from an explicit table.
package devices

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"time"

	"alexnet/engine"
	"alexnet/engine/cpu"
)

// Options apply to every context opened together.
type Options struct {
	// Threads is the number of CPU threads shared out over the CPU contexts;
	// 0 means one a core.
	Threads int
	// Portable leaves out assembly.
	Portable bool
}

// kinds is the table of devices: a name, or a name with an index behind a
// colon. open gets the whole name, its place among the n names of its list, and
// the options.
var kinds = []struct {
	name, usage string
	open        func(name string, place, n int, o Options) (engine.Context, error)
}{
	{"cpu", "cpu", openCPU},
}

func openCPU(name string, place, n int, o Options) (engine.Context, error) {
	if name != "cpu" {
		return nil, fmt.Errorf("device %q: the CPU has no index, write cpu", name)
	}
	threads := o.threads()
	share := threads / n
	if place < threads%n {
		share++
	}
	return cpu.New(name, cpu.Options{Threads: max(1, share), Portable: o.Portable})
}

// Open opens the contexts of a comma-separated list such as "cpu" or "cpu,cpu".
// All must be of one kind, since contexts exchange activations. The caller
// closes them (a Model closes its own).
func Open(list string, o Options) ([]engine.Context, error) {
	names := strings.Split(list, ",")
	var contexts []engine.Context
	var first string
	for i, name := range names {
		name = strings.TrimSpace(name)
		kind, _, _ := strings.Cut(name, ":")
		c, err := open(kind, name, i, len(names), o)
		if err == nil && i > 0 && kind != first {
			err = fmt.Errorf("devices %q: contexts of one net must be of one kind", list)
		}
		if c != nil {
			contexts = append(contexts, c)
		}
		if err != nil {
			for _, c := range contexts {
				err = errors.Join(err, c.Close())
			}
			return nil, err
		}
		first = kind
	}
	return contexts, nil
}

// PeakFLOPS measures what the devices of a list reach together on registers
// alone, in operations a second; 0 where it cannot be measured.
func PeakFLOPS(list string, o Options, during time.Duration) float64 {
	if kind, _, _ := strings.Cut(list, ","); kind != "cpu" {
		return 0
	}
	return cpu.PeakFLOPS(o.threads(), during)
}

// threads is the number of CPU threads over all contexts.
func (o Options) threads() int {
	if o.Threads > 0 {
		return o.Threads
	}
	return runtime.GOMAXPROCS(0)
}

func open(kind, name string, place, n int, o Options) (engine.Context, error) {
	var usages []string
	for _, k := range kinds {
		if k.name == kind {
			return k.open(name, place, n, o)
		}
		usages = append(usages, k.usage)
	}
	return nil, fmt.Errorf("no device called %q: this build has %s", name, strings.Join(usages, ", "))
}
