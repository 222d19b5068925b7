package devices

import (
	"errors"
	"fmt"
	"runtime"
	"time"

	"alexnet/engine"
	"alexnet/engine/cpu"
)

// openCPU shares the threads out over the contexts.
func openCPU(names []string, o Options) ([]engine.Context, error) {
	threads := o.threads()
	var contexts []engine.Context
	for i, name := range names {
		share := threads / len(names)
		if i < threads%len(names) {
			share++
		}
		var c engine.Context
		err := fmt.Errorf("device %q: the CPU has no index, write cpu", name)
		if name == "cpu" {
			c, err = cpu.New(name, cpu.Options{Threads: max(1, share), Portable: o.Portable})
		}
		if err != nil {
			for _, c := range contexts {
				err = errors.Join(err, c.Close())
			}
			return nil, err
		}
		contexts = append(contexts, c)
	}
	return contexts, nil
}

func listCPU() Inventory {
	about := fmt.Sprintf("%d cores, %s/%s", runtime.NumCPU(), runtime.GOOS, runtime.GOARCH)
	return Inventory{Devices: []Device{{Name: "cpu", About: about}}}
}

// threads is the number of CPU threads over all contexts.
func (o Options) threads() int {
	if o.Threads > 0 {
		return o.Threads
	}
	return runtime.GOMAXPROCS(0)
}

func peakCPU(o Options, during time.Duration) float64 { return cpu.PeakFLOPS(o.threads(), during) }
