// Package devices opens device contexts by name, from an explicit table.
package devices

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"alexnet/engine"
	"alexnet/engine/bridge"
	"alexnet/internal/setting"
)

// Auto is the list that stands for the first usable GPU, CUDA's before Vulkan's, or
// else for the CPU; see Resolve.
const Auto = "auto"

// Options apply to all contexts that are opened together.
type Options struct {
	// Threads is the number of CPU threads that the CPU contexts share; 0 means one
	// for each core.
	Threads int
	// Kernels names the set of kernels of CPU contexts, one of those that List
	// returns. Auto or "" is the fastest that the machine can run. The results of two
	// sets differ in their last bits.
	Kernels string
	// Precision is the arithmetic: "fp32" or "" on every device; "bf16" on GPUs and on
	// CPUs with instructions for it (or with the portable kernels); "tf32" on GPUs.
	Precision string
	// Deterministic asks for runs that repeat bit for bit, at some cost on GPUs.
	// The CPU's always do.
	Deterministic bool
	// Wire is the format of gradients between ranks if contexts move them by
	// themselves, as GPUs do: "fp32" or "" (the same), or "bf16". On a CPU the ranks'
	// Group decides.
	Wire string
	// RankTimeout is how long such a context waits for the other ranks in one
	// exchange before it fails with engine.ErrStalled; 0 means 10 minutes.
	RankTimeout time.Duration
	// Note receives a line about each thing that a context does without, because the
	// device refuses it: a captured graph, an engine of a library. nil drops the
	// lines. Several goroutines may call it.
	Note func(line string)
}

// Precisions are the values of Options.Precision.
var Precisions = []string{"fp32", "tf32", "bf16"}

// kind is a row of the table of devices: a name, or a name with an index after a colon.
// open gets all names of this kind in a list.
type kind struct {
	name, usage string
	open        func(names []string, o Options) ([]engine.Context, error)
	precisions  []string
	apart       bool // contexts with different names can't read each other's memory
	// list describes the available devices, and what is missing for more.
	list func() Inventory

	// These are nil if there is only one set of kernels, or if the rates of all contexts
	// together can't be measured.
	kernels         func(o Options) (string, error) // name of the set that is used
	peak, bandwidth func(o Options, during time.Duration) float64
}

// kinds is the table; each kind's file has its row. Auto searches it from the second row
// on.
var kinds = slices.Concat(cpuKind, cudaKind, vulkanKind)

// Inventory lists the devices and libraries of a machine.
type Inventory struct {
	Devices   []Device
	Libraries []Library
	Missing   []Missing
	Notes     []string
}

// Device is a name that Open accepts on this machine, with its properties.
type Device struct {
	Name, About string
	Precisions  []string
	Kernels     []Kernels // the sets of a CPU, the fastest last
	Auto        bool      // it is a GPU that Auto may stand for
}

// Kernels is a set of kernels of the CPU.
type Kernels struct {
	Precision string // that they compute in
	Name      string
	Needs     string // of a processor, in words
	Usable    bool   // on this machine
	Chosen    bool   // by Auto
}

// Library is a library that a device needs, found at run time.
type Library struct{ Name, Version, Path string }

// Missing is a library that is not there, with command lines. Any one of them
// installs it.
type Missing struct {
	Name, Why string
	Install   []string
}

// List returns the devices of this machine, the CPU first.
func List() Inventory {
	var all Inventory
	for _, k := range kinds {
		i := k.list()
		for j := range i.Devices {
			if i.Devices[j].Precisions == nil {
				i.Devices[j].Precisions = k.precisions
			}
		}
		all.Devices = append(all.Devices, i.Devices...)
		all.Libraries = append(all.Libraries, i.Libraries...)
		all.Missing = append(all.Missing, i.Missing...)
		all.Notes = append(all.Notes, i.Notes...)
	}
	return all
}

// Names lists what Open takes here: Auto, and the name of each device.
func Names() []string {
	names := []string{Auto}
	for _, d := range List().Devices {
		names = append(names, d.Name)
	}
	return names
}

// Resolve turns a user's list into one for Open. Auto becomes "cuda:0", or else the
// first discrete "vulkan:0", if it can be used, and otherwise "cpu"; why says the
// reason in a line. Other lists stay unchanged.
func Resolve(list string) (resolved, why string) {
	if list != Auto {
		return list, ""
	}
	return resolve(kinds[1:])
}

// resolve chooses Auto's device among kinds of GPUs.
func resolve(gpus []kind) (name, why string) {
	missing := ""
	for _, k := range gpus {
		i := k.list()
		for _, d := range i.Devices {
			if d.Auto && len(i.Missing) == 0 {
				return d.Name, ""
			}
		}
		if len(i.Missing) > 0 && missing == "" {
			missing = i.Missing[0].Name
		}
	}
	if missing == "" {
		return "cpu", "no GPU: computing on the CPU"
	}
	return "cpu", fmt.Sprintf("no GPU (%s missing): computing on the CPU; \"train-alexnet devices\" says more", missing)
}

// MaxThreads is larger than the number of processors of any machine.
const MaxThreads = 1 << 16

// Open opens the contexts of a comma-separated list such as "cpu", "cpu,cpu" or
// "cuda:0,cuda:1", or Auto. Contexts of one kind exchange activations on the device.
// Contexts of different kinds, such as "cpu,vulkan:0", and contexts on two Vulkan
// devices exchange them through host memory (package bridge). The caller closes them
// (a Model closes its own).
func Open(list string, o Options) ([]engine.Context, error) {
	list, _ = Resolve(list)
	if o.Threads > MaxThreads {
		return nil, setting.Invalidf("%s: want at most %d", setting.Value("threads", o.Threads), MaxThreads)
	}
	if o.Wire != "" && o.Wire != "fp32" && o.Wire != "bf16" {
		return nil, fmt.Errorf("gradients between ranks in %q: want fp32 or bf16", o.Wire)
	}
	names := strings.Split(list, ",")
	groups, places := map[string][]string{}, map[string][]int{} // of contexts that read each other's memory
	for i := range names {
		names[i] = strings.TrimSpace(names[i])
		k, err := kindOf(names[i])
		if err == nil {
			err = k.computes(o.Precision)
		}
		if err != nil {
			return nil, err
		}
		group := k.name
		if k.apart {
			group = names[i]
		}
		groups[group], places[group] = append(groups[group], names[i]), append(places[group], i)
	}
	contexts := make([]engine.Context, len(names))
	for group, members := range groups {
		k, _ := kindOf(group)
		opened, err := k.open(members, o)
		if err != nil {
			for _, c := range contexts {
				if c != nil {
					err = errors.Join(err, c.Close())
				}
			}
			return nil, err
		}
		for i, place := range places[group] {
			contexts[place] = opened[i]
		}
	}
	if len(groups) > 1 {
		contexts = bridge.Join(contexts)
	}
	return contexts, nil
}

// computes returns an error for a precision that the kind doesn't have.
func (k *kind) computes(precision string) error {
	switch {
	case precision == "" || slices.Contains(k.precisions, precision):
		return nil
	case slices.Contains(Precisions, precision):
		return fmt.Errorf("%w: %s computes in %s only, not in %s", ErrPrecision, k.name, strings.Join(k.precisions, " or "), precision)
	}
	return fmt.Errorf("%w %q: want %s", ErrPrecision, precision, strings.Join(Precisions, ", "))
}

// ErrPrecision is an arithmetic that a device doesn't have, ErrKernels a set of
// kernels that a machine can't run.
var (
	ErrPrecision = setting.NamedError("precision")
	ErrKernels   = setting.NamedError("kernels")
)

// SettingError names the setting to which an error of Open or ChosenKernels goes back:
// precision, kernels or devices.
func SettingError(err error) error {
	switch {
	case err == nil:
		return nil
	case setting.Invalid(err):
		return err
	case errors.Is(err, ErrPrecision) || errors.Is(err, ErrKernels):
		return setting.Invalidf("%w", err)
	}
	return setting.Invalidf("%s: %w", setting.Name("devices"), err)
}

// ChosenKernels returns the name of the set of kernels that Open(list, o) uses; ""
// for devices without a choice.
func ChosenKernels(list string, o Options) (string, error) {
	list, _ = Resolve(list)
	name, _, _ := strings.Cut(list, ",")
	k, err := kindOf(strings.TrimSpace(name))
	if err != nil || k.kernels == nil {
		return "", nil // Open reports a wrong name
	}
	if err := k.computes(o.Precision); err != nil {
		return "", err
	}
	return k.kernels(o)
}

// PeakFLOPS measures the operations a second that the devices of a list reach
// together on registers alone; 0 if it cannot be measured.
func PeakFLOPS(list string, o Options, during time.Duration) float64 {
	if k := onlyKind(list); k != nil && k.peak != nil {
		return k.peak(o, during)
	}
	return 0
}

// Bandwidth measures the bytes a second that the devices of a list read and write
// together in memory that no cache holds; 0 if it cannot be measured.
func Bandwidth(list string, o Options, during time.Duration) float64 {
	if k := onlyKind(list); k != nil && k.bandwidth != nil {
		return k.bandwidth(o, during)
	}
	return 0
}

// onlyKind returns the kind of all devices of a list; nil if there are several.
func onlyKind(list string) (only *kind) {
	list, _ = Resolve(list)
	for _, name := range strings.Split(list, ",") {
		k, err := kindOf(strings.TrimSpace(name))
		if err != nil || only != nil && k != only {
			return nil
		}
		only = k
	}
	return only
}

// kindOf finds the row of a name.
func kindOf(name string) (*kind, error) {
	want, _, _ := strings.Cut(name, ":")
	var usages []string
	for i := range kinds {
		if kinds[i].name == want {
			return &kinds[i], nil
		}
		usages = append(usages, kinds[i].usage)
	}
	return nil, fmt.Errorf("no device called %q: this build has %s", name, strings.Join(usages, ", "))
}
