package devices

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"time"

	"alexnet/engine"
	"alexnet/engine/cpu"
)

// cpuKind is the processor's row.
var cpuKind = []kind{{name: "cpu", usage: "cpu", open: openCPU, precisions: cpu.Precisions, list: listCPU,
	kernels: chosenKernels, peak: peakCPU, bandwidth: bandwidthCPU}}

// openCPU opens CPU contexts, which share the threads.
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
			c, err = cpu.New(name, cpu.Options{Threads: max(1, share), Kernels: kernels, Precision: o.Precision})
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
	d := Device{Name: "cpu", About: about}
	for _, p := range cpu.Precisions {
		if _, err := cpu.ChosenKernels("", p); err == nil {
			d.Precisions = append(d.Precisions, p)
		}
		d.Kernels = append(d.Kernels, KernelSets(p)...)
	}
	i := Inventory{Devices: []Device{d}}
	if note := KernelNote("bf16"); note != "" {
		i.Notes = append(i.Notes, note)
	}
	return i
}

// KernelSets lists the sets of kernels of the CPU for a precision, the fastest last.
func KernelSets(precision string) (sets []Kernels) {
	if precision == "" {
		precision = cpu.Precisions[0]
	}
	chosen, _ := cpu.ChosenKernels("", precision)
	for _, s := range cpu.Kernels(precision) {
		sets = append(sets, Kernels{precision, s.Name, s.Needs, s.Usable, s.Name == chosen})
	}
	return sets
}

// KernelNote says in a line what keeps the CPU from its best kernels for a precision; "" if
// nothing does.
func KernelNote(precision string) string {
	if precision != "bf16" {
		return ""
	}
	return cpu.Note()
}

// KernelNames lists what Options.Kernels takes here: Auto, and the sets of all precisions
// that this machine can run.
func KernelNames() []string {
	names := []string{Auto}
	for _, p := range Precisions {
		for _, k := range KernelSets(p) {
			if k.Usable && !slices.Contains(names, k.Name) {
				names = append(names, k.Name)
			}
		}
	}
	return names
}

// chosenKernels returns the name of the set of kernels for o.
func chosenKernels(o Options) (string, error) {
	name := o.Kernels
	if name == Auto {
		name = ""
	}
	chosen, err := cpu.ChosenKernels(name, o.Precision)
	switch {
	case err != nil && name == "":
		return "", fmt.Errorf("%w: %w", ErrPrecision, err)
	case err != nil:
		return "", fmt.Errorf("%w: %w", ErrKernels, err)
	}
	return chosen, nil
}

// threads returns the number of CPU threads of all contexts together.
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
	return cpu.PeakFLOPS(kernels, o.Precision, o.threads(), during)
}

func bandwidthCPU(o Options, during time.Duration) float64 {
	return cpu.Bandwidth(o.threads(), during)
}
