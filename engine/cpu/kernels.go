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
	Needs  string // what a processor needs for it, in words
	Usable bool   // this machine can run it
}

// Kernels returns this build's sets for a precision. By default a context uses the
// last usable one; in bfloat16 never the portable one.
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

// ChosenKernels returns the name of the set that a context with Options{Kernels:
// name, Precision: precision} uses.
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

// Note returns the reason why this machine can't use its best kernels; "" if it can.
func Note() string {
	if err := bf16.Refused(); err != nil {
		return fmt.Sprintf("the processor has AMX, but the system doesn't let this process use it (%v): bf16 is computed with AVX512_BF16", err)
	}
	return ""
}

// find returns the set of kernels for float32, and with bfloat16 also its own set. Both
// have the same name, except that the set with tile products (AMX) has no float32 set of
// its own.
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
