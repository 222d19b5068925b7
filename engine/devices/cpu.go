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
	kernels, err := chosenKernels(o)
	if err != nil {
		return nil, err
	}
	var contexts []engine.Context
	for i, name := range names {
		share := threads / len(names)
		if i < threads%len(names) {
			share++
		}
		var c engine.Context
		err := fmt.Errorf("device %q: the CPU has no index, write cpu", name)
		if name == "cpu" {
			c, err = cpu.New(name, cpu.Options{Threads: max(1, share), Kernels: kernels})
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
	return Inventory{Devices: []Device{{Name: "cpu", About: about, Kernels: KernelSets()}}}
}

// KernelSets lists the sets of kernels of the CPU, the fastest last.
func KernelSets() (sets []Kernels) {
	chosen, _ := cpu.ChosenKernels("")
	for _, s := range cpu.Kernels() {
		sets = append(sets, Kernels{s.Name, s.Needs, s.Usable, s.Name == chosen})
	}
	return sets
}

// chosenKernels is the name of the set that o asks for.
func chosenKernels(o Options) (string, error) {
	name := o.Kernels
	if name == Auto {
		name = ""
	}
	name, err := cpu.ChosenKernels(name)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrKernels, err)
	}
	return name, nil
}

// threads is the number of CPU threads over all contexts.
func (o Options) threads() int {
	if o.Threads > 0 {
		return o.Threads
	}
	return runtime.GOMAXPROCS(0)
}

func peakCPU(o Options, during time.Duration) float64 {
	kernels, err := chosenKernels(o)
	if err != nil {
		return 0
	}
	return cpu.PeakFLOPS(kernels, o.threads(), during)
}
