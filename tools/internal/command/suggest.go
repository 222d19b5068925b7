package command

import (
	"regexp"

	"github.com/urfave/cli/v2"
	"github.com/xrash/smetrics"
)

// undefined matches the library's error about an unknown flag.
var undefined = regexp.MustCompile(`^flag provided but not defined: -+([^=]+)`)

// didYouMean returns the end of an error about a word: the nearest known word, or
// nothing if none is near. dashes stand before it.
func didYouMean(word, dashes string, known []string) string {
	// Of one letter wrong or missing the likeness is .9 and more; of other words
	// that begin alike about .8.
	best, likeness := "", .87
	for _, k := range known {
		if l := smetrics.JaroWinkler(word, k, .7, 4); l > likeness {
			best, likeness = k, l
		}
	}
	if best == "" {
		return ""
	}
	return ": did you mean " + dashes + best + "?"
}

// flagNames returns the names of all flags that may stand in the place of c.
func flagNames(c *cli.Context) (names []string) {
	flags := c.App.Flags
	if c.Command != nil && len(c.Command.Flags) > 0 {
		flags = c.Command.Flags
	}
	for _, f := range flags {
		names = append(names, f.Names()...)
	}
	return names
}

// commandNames returns the names of visible commands.
func commandNames(commands []*cli.Command) (names []string) {
	for _, c := range commands {
		if !c.Hidden {
			names = append(names, c.Name)
		}
	}
	return names
}

// Suggest returns the end of an error about a word that is not a command of the app.
func Suggest(c *cli.Context, word string) string {
	return didYouMean(word, "", commandNames(c.App.Commands))
}
