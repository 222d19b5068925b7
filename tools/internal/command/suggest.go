package command

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
	"github.com/xrash/smetrics"
)

// otherNames are what other programs call flags.
var otherNames = map[string]string{
	"torch": "safetensors", "pytorch": "safetensors", "pth": "safetensors", "pt": "safetensors",
	"learning-rate": "lr", "weight-decay": "decay", "wd": "decay", "bs": "batch", "smoothing": "label-smoothing",
	"gpu": "devices", "gpus": "devices", "device": "devices", "amp": "precision", "bf16": "precision",
	"model": "checkpoint", "weights": "checkpoint", "pretrained": "from", "finetune": "from", "arch": "net",
	"input": "in", "output": "out", "validation": "val", "jobs": "workers", "num-workers": "workers", "continue": "resume",
}

// didYouMean returns the end of an error about a word: the nearest known word, or
// nothing if none is near. dashes stand before it.
func didYouMean(word, dashes string, known []string) string {
	// Of one letter wrong or missing the likeness is .9 and more; of other words
	// that begin alike about .8.
	best, likeness := "", .87
	for _, k := range known {
		l := smetrics.JaroWinkler(word, k, .7, 4)
		if swapped(word, k) {
			l = max(l, .9)
		}
		if l > likeness {
			best, likeness = k, l
		}
	}
	if other := otherNames[word]; best == "" && slices.Contains(known, other) {
		best = other
	}
	if best == "" {
		return ""
	}
	return ": did you mean " + dashes + best + "?"
}

// swapped reports whether two words differ in the order of two neighbours: lnr and lrn.
func swapped(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) - 1 {
		if a[i] != b[i] {
			return a[i] == b[i+1] && a[i+1] == b[i] && a[i+2:] == b[i+2:]
		}
	}
	return false
}

// fewFlags is the number of flags up to which an error about another one lists them.
const fewFlags = 12

// itsFlags returns the end of an error about a flag that a command with few flags lacks
// and that is near none of them.
func itsFlags(c *cli.Context) string {
	var names []string
	for _, name := range flagNames(c) {
		if len(name) > 1 && name != "help" && name != "version" {
			names = append(names, "--"+name)
		}
	}
	if len(names) == 0 || len(names) > fewFlags {
		return ""
	}
	return ": there are " + strings.Join(names, ", ")
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
func Suggest(c *cli.Context, word string) string { return nearCommand(word, c.App.Commands) }

// nearCommand is didYouMean for commands. Some programs have a command version.
func nearCommand(word string, commands []*cli.Command) string {
	if word == "version" {
		return ": did you mean --version?"
	}
	return didYouMean(word, "", commandNames(commands))
}
