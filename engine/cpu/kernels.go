package cpu

import (
	"fmt"

	"alexnet/engine/cpu/internal/bf16"
	"alexnet/engine/cpu/internal/kernel"
)

// Precisions are the values of Options.Precision.
var Precisions = []string{"fp32", "bf16"}

// KernelSet describes a set of kernels: see Options.Kernels.
type KernelSet struct {
	Name   string
	Needs  string // of a processor, in words
	Usable bool   // on this machine
}

// Kernels are this build's sets for a precision. The last one that is usable is
// what a context takes by itself; in bfloat16, not the portable one.
func Kernels(precision string) (sets []KernelSet) {
	if precision == "bf16" {
		for _, s := range bf16.Sets() {
			sets = append(sets, KernelSet{s.Name, s.Needs, s.Supported()})
		}
		return sets
	}
	for _, s := range kernel.Sets() {
		_, err := kernel.Find(s.Name)
		sets = append(sets, KernelSet{s.Name, s.Needs, err == nil})
	}
	return sets
}

// ChosenKernels is the name of the set that a context takes with
// Options{Kernels: name, Precision: precision}.
func ChosenKernels(name, precision string) (string, error) {
	s, narrower, err := find(name, precision)
	switch {
	case err != nil:
		return "", err
	case narrower != nil:
		return narrower.Name, nil
	}
	return s.Name, nil
}

// Note is a line on what keeps this machine from its best kernels; "" is nothing.
func Note() string {
	if err := bf16.Refused(); err != nil {
		return fmt.Sprintf("the processor has AMX, but the system doesn't let this process use it (%v): bf16 is computed with AVX512_BF16", err)
	}
	return ""
}

// find is the set of float32's kernels, and in bfloat16 the one for that besides.
// Both have the same name, except that products on tiles have none in float32.
func find(name, precision string) (*kernel.Set, *bf16.Set, error) {
	switch precision {
	case "", "fp32":
		s, err := kernel.Find(name)
		return s, nil, err
	case "bf16":
		narrower, err := bf16.Find(name)
		if err != nil {
			return nil, nil, err
		}
		s := kernel.Best()
		if narrower.Name == "portable" {
			s, err = kernel.Find("portable")
		}
		return s, narrower, err
	}
	return nil, nil, fmt.Errorf("no precision called %q: the CPU has fp32 and bf16", precision)
}
