package cpu

import "alexnet/engine/cpu/internal/kernel"

// KernelSet describes a set of kernels: see Options.Kernels.
type KernelSet struct {
	Name   string
	Needs  string // of a processor, in words
	Usable bool   // on this machine
}

// Kernels are the sets of this build. The last one that is usable is what a
// context takes by itself.
func Kernels() (sets []KernelSet) {
	for _, s := range kernel.Sets() {
		_, err := kernel.Find(s.Name)
		sets = append(sets, KernelSet{s.Name, s.Needs, err == nil})
	}
	return sets
}

// ChosenKernels is the name of the set that a context takes with
// Options{Kernels: name}.
func ChosenKernels(name string) (string, error) {
	s, err := kernel.Find(name)
	if err != nil {
		return "", err
	}
	return s.Name, nil
}
