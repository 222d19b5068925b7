package source

import (
	"fmt"
	"strings"
)

// Options are the choices of Open. The zero value detects the layout and takes
// the classes in sorted order.
type Options struct {
	// Layout is a name of Layouts, or "auto" or "" to try them in that order.
	Layout string
	// Classes, where not empty, are the class IDs in label order. Classes of
	// the source that are not named are left out; a named one that the source
	// lacks is an error.
	Classes []string
}

// layouts is the table of everything Open knows, in the order in which auto
// tries them. A layout with a nil detect is tried last and always taken.
var layouts = []struct {
	name   string
	detect func(path string) bool
	open   func(path string, opts Options) (Source, error)
}{
	{"folders", nil, openFolders},
}

// Layouts returns the names that Options.Layout takes besides "auto".
func Layouts() []string {
	names := make([]string, len(layouts))
	for i, l := range layouts {
		names[i] = l.name
	}
	return names
}

// Open opens the source at path.
func Open(path string, opts Options) (Source, error) {
	auto := opts.Layout == "" || opts.Layout == "auto"
	for _, l := range layouts {
		if l.name == opts.Layout || auto && (l.detect == nil || l.detect(path)) {
			return l.open(path, opts)
		}
	}
	return nil, fmt.Errorf("unknown layout %q: choose auto or %s", opts.Layout, strings.Join(Layouts(), ", "))
}
