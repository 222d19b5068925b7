package command

import (
	"cmp"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
	"github.com/xrash/smetrics"

	"alexnet/internal/printable"
)

// otherNames are other programs' names for flags.
var otherNames = map[string]string{
	"torch": "safetensors", "pytorch": "safetensors", "pth": "safetensors", "pt": "safetensors",
	"learning-rate": "lr", "weight-decay": "decay", "wd": "decay", "bs": "batch", "smoothing": "label-smoothing",
	"gpu": "devices", "gpus": "devices", "device": "devices", "amp": "precision", "bf16": "precision",
	"model": "checkpoint", "weights": "checkpoint", "pretrained": "from", "finetune": "from", "arch": "net",
	"input": "in", "output": "out", "validation": "val", "jobs": "workers", "num-workers": "workers", "continue": "resume",
}

// didYouMean returns the end of an error about a word: the nearest known word, or nothing
// if none is near. dashes are printed before it.
func didYouMean(word, dashes string, known []string) string {
	// With one wrong or missing letter the likeness is at least .9; other words with the
	// same beginning have about .8.
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

// fewFlags is the largest number of flags that an error about an unknown flag lists.
const fewFlags = 12

// itsFlags returns the end of an error about an unknown flag: if the command has few
// flags and none is near, it lists them.
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

// flagNames returns the names of all flags that are valid at c.
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

// Suggest returns the end of an error about a word that is neither a command of the app
// nor a file: the nearest command, file, or flag.
func Suggest(c *cli.Context, word string) string {
	if near := nearCommand(word, c.App.Commands); near != "" {
		return near
	}
	dir, name := filepath.Split(word)
	entries, _ := os.ReadDir(cmp.Or(dir, ".")) // without it nothing is near
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if near := didYouMean(name, "", names); near != "" {
		near = strings.TrimSuffix(strings.TrimPrefix(near, ": did you mean "), "?")
		return ": did you mean " + printable.ShellWord(filepath.Join(dir, near)) + "?"
	}
	return didYouMean(word, "--", flagNames(c))
}

// nearCommand is didYouMean for commands. Other programs have a command version.
func nearCommand(word string, commands []*cli.Command) string {
	if word == "version" {
		return ": did you mean --version?"
	}
	return didYouMean(word, "", commandNames(commands))
}
