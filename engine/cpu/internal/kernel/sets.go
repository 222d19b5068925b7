package kernel

import (
	"fmt"
	"slices"
	"strings"
	"sync"
)

// sets is the table of this build's sets, the preferred last. assembly, which
// depends on the architecture, has a row for each file of assembly kernels.
var sets = append([]*Set{&portable}, assembly...)

// Sets are all sets of this build, the preferred last. The caller leaves them
// as they are.
func Sets() []*Set { return slices.Clone(sets) }

// Usable are the sets that this machine can run, the preferred last.
var Usable = sync.OnceValue(func() (usable []*Set) {
	for _, s := range sets {
		if s.Supported() {
			usable = append(usable, s)
		}
	}
	return usable
})

// Best is the preferred set of those that this machine can run.
func Best() *Set {
	usable := Usable()
	return usable[len(usable)-1]
}

// Find is the set of that name; "" is Best. The error on one that this build
// doesn't have, or this machine can't run, says what there is.
func Find(name string) (*Set, error) {
	if name == "" {
		return Best(), nil
	}
	var names []string
	for _, s := range Usable() {
		if s.Name == name {
			return s, nil
		}
		names = append(names, s.Name)
	}
	for _, s := range sets {
		if s.Name == name {
			return nil, fmt.Errorf("%s needs %s, which this machine doesn't have; there is %s", name, s.Needs, strings.Join(names, ", "))
		}
	}
	return nil, fmt.Errorf("no kernels called %q; there is %s", name, strings.Join(names, ", "))
}
