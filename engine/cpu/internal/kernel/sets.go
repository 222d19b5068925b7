package kernel

import (
	"fmt"
	"slices"
	"strings"
	"sync"
)

// sets is the table of this build's sets; the preferred one is last. assembly depends on
// the architecture, and has a row for each file of assembly kernels.
var sets = append([]*Set{&portable}, assembly...)

// Sets returns all sets of this build, the preferred last.
func Sets() []*Set { return slices.Clone(sets) }

// Usable returns the sets that this machine can run, the preferred last.
var Usable = sync.OnceValue(func() (usable []*Set) {
	for _, s := range sets {
		if s.Supported() {
			usable = append(usable, s)
		}
	}
	return usable
})

// Best returns the preferred set among those that this machine can run.
func Best() *Set {
	usable := Usable()
	return usable[len(usable)-1]
}

// Find returns the set with a name; "" is Best. For a set that this build does not
// have, or that this machine cannot run, the error lists the others.
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
